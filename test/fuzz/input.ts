/**
 * An input of the fuzzer, as bytes: how to read it, which rules, and then a message or a snappy block. So the corpus is
 * plain files, and mutation can reach everything.
 */
import { compress } from 'snappyjs'
import type { Push, SplitRules } from '../../src/remote-write/split.ts'
import { rules } from '../support/messages.ts'

export interface Case {
  readonly push: Push
  readonly rules: SplitRules
}

const RULES: readonly Partial<SplitRules>[] = [
  { strip: true },
  { strip: false, metadata: 'report', families: 'metadata' },
  { strip: true, missing: 'default', invalid: 'default', defaultTenant: 'd', metadata: 'default' },
  { labels: ['x', 'tenant'], strip: true, metadata: 'report', families: 'names' },
  { labels: ['tenant', 'x'], precedence: 'series_last', invalid: 'drop', missing: 'drop' },
  { labels: ['tenant', 'x', 'a-label-with-a-long-name'], precedence: 'series_first', prefix: 'p-' },
  { format: 'victoriametrics', strip: true },
  { format: 'victoriametrics', prefix: '7:', defaultTenant: '8', missing: 'default' },
  { maxTenants: 1, invalid: 'drop' },
  { maxSeries: 3, haLabels: [], families: 'metadata' },
  { maxOutputBytes: 200, strip: true },
  { haLabels: ['tenant', 'x'], strip: true },
  { compression: 'none', metadata: 'default', defaultTenant: '..' },
  { prefix: '_', haLabels: ['x', 'x'] },
  { format: 'thanos-path', prefix: 'a/' },
  { prefix: 'x'.repeat(149), invalid: 'default', defaultTenant: 'd' },
]

/** Bytes before the message or block. */
export const HEAD = 2

/** Largest message, so that one input takes no longer than a few milliseconds in the slow engine. */
const MAX_DECODED = 100_000

/** The bits of the first byte: 2.0, a block as it is, shares of the other protocol. */
export function caseOf(input: Uint8Array): Case {
  const [how = 0, which = 0] = input
  const protocol = (how & 1) === 0 ? '1.0' : '2.0'
  const other = protocol === '1.0' ? '2.0' : '1.0'
  const content = input.slice(HEAD)
  const body = (how & 2) === 0 ? compress(content) : content
  return {
    push: { body, encoding: 'snappy', protocol },
    rules: {
      ...rules(RULES[which % RULES.length]),
      output: (how & 4) === 0 ? 'same' : other,
      maxDecodedBytes: MAX_DECODED,
    },
  }
}
