/** The inputs that are kept, because each reached something that no other did, or was a finding. */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

const FOLDER = new URL('./corpus/', import.meta.url)

export function readCorpus(): { readonly name: string; readonly input: Uint8Array }[] {
  return readdirSync(FOLDER)
    .filter(name => name.endsWith('.bin'))
    .toSorted()
    .map(name => ({ name, input: new Uint8Array(readFileSync(new URL(name, FOLDER))) }))
}

/** Findings are never replaced. */
export function writeCorpus(inputs: readonly Uint8Array[]): void {
  mkdirSync(FOLDER, { recursive: true })
  for (const { name } of readCorpus()) if (!name.startsWith('finding-')) rmSync(new URL(name, FOLDER))
  for (const input of inputs) writeFileSync(new URL(`${hashOf(input)}.bin`, FOLDER), input)
}

export function writeFinding(input: Uint8Array): string {
  const name = `finding-${hashOf(input)}.bin`
  writeFileSync(new URL(name, FOLDER), input)
  return name
}

function hashOf(input: Uint8Array): string {
  return createHash('sha256').update(input).digest('hex').slice(0, 12)
}
