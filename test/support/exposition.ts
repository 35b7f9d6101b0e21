/** Label sets of a real scrape, read from the text format. Enough for our own fixture; not a general parser. */
import { readFileSync } from 'node:fs'

export interface ScrapedSample {
  readonly name: string
  readonly labels: readonly (readonly [name: string, value: string])[]
  readonly value: number
}

/** The node_exporter scrape that payloads are made from. */
export function nodeExporterScrape(): readonly ScrapedSample[] {
  return parseExposition(readFileSync(new URL('../fixtures/node-exporter.prom', import.meta.url), 'utf8'))
}

function parseExposition(text: string): readonly ScrapedSample[] {
  const samples: ScrapedSample[] = []
  for (const line of text.split('\n')) {
    const parts = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line)
    if (parts === null) continue
    const [, name = '', labels = '', value = ''] = parts
    samples.push({
      name,
      labels: [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(
        ([, label = '', quoted = '']) => [label, unquote(quoted)] as const,
      ),
      value: value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value),
    })
  }
  return samples
}

const unquote = (text: string): string => text.replace(/\\(.)/g, (_, char) => (char === 'n' ? '\n' : char))
