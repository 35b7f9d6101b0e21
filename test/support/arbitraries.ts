/** Pushes and rules at random. */
import fc from 'fast-check'
import type { Protocol, SplitRules } from '../../src/remote-write/split.ts'
import type { Contents } from './arbitrary-fields.ts'
import { requests } from './arbitrary-request-v2.ts'
import { writeRequests } from './arbitrary-write-request.ts'
import { rules } from './messages.ts'
import { concat, tag } from './wire.ts'

export function decodedPush(protocol: Protocol, contents: Contents = 'any'): fc.Arbitrary<Uint8Array> {
  return protocol === '1.0' ? writeRequests(contents) : requests(contents)
}

export const someRules: fc.Arbitrary<SplitRules> = fc
  .record({
    labels: fc.shuffledSubarray(['tenant', 'x', 'nowhere'], { minLength: 1 }),
    precedence: fc.constantFrom('config', 'series_first', 'series_last'),
    strip: fc.boolean(),
    prefix: fc.constantFrom('', '', 'p-', '7'),
    defaultTenant: fc.constantFrom('', 'd', 'a', '7', 'no good'),
    missing: fc.constantFrom('reject', 'drop', 'default'),
    invalid: fc.constantFrom('reject', 'drop', 'default'),
    format: fc.constantFrom('mimir', 'mimir', 'thanos', 'thanos-path', 'victoriametrics'),
    metadata: fc.constantFrom('drop', 'default', 'report'),
    families: fc.constantFrom('none', 'names', 'metadata'),
    compression: fc.constantFrom('fast', 'none', 'late'),
    maxTenants: fc.constantFrom(1, 2, 1000),
  })
  .map(changes => rules(changes))

/** Bytes after an accident or an attack: some changed, cut out, put in, or cut off. */
export function mutated(source: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const change = fc.record({
    kind: fc.constantFrom('set', 'insert', 'remove', 'cut', 'tag'),
    at: fc.nat(),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 3 }),
  })
  return fc.tuple(source, fc.array(change, { minLength: 1, maxLength: 4 })).map(([bytes, changes]) => {
    return changes.reduce((before, { kind, at, bytes: with_ }) => {
      const place = before.length === 0 ? 0 : at % (before.length + 1)
      const head = before.subarray(0, place)
      if (kind === 'cut') return head
      if (kind === 'insert') return concat(head, with_, before.subarray(place))
      if (kind === 'tag') return concat(head, tag((at % 6) + 1, at % 8), before.subarray(place))
      const rest = before.subarray(place + with_.length)
      return kind === 'set' ? concat(head, with_, rest) : concat(head, rest)
    }, bytes)
  })
}
