import { expect } from 'vitest'
import type {
  Protocol,
  Split,
  SplitRefusal,
  SplitResult,
  SplitRules,
  SplitShare,
} from '../../src/remote-write/split.ts'
import type { FaultCode } from '../../src/wire/fault.ts'
import { decodeMessage, type MessageSeen, unsnappy } from './decode.ts'
import { message, push, rules, type SeriesText } from './messages.ts'

type Done = Extract<SplitResult, { ok: true }>

/** Splits a message given as bytes, and expects it to work. */
export function splitBytes(
  split: Split,
  protocol: Protocol,
  decoded: Uint8Array,
  changes: Partial<SplitRules> = {},
): Done {
  return done(split(push(protocol, decoded), rules(changes)))
}

export function splitSeries(
  split: Split,
  protocol: Protocol,
  list: readonly SeriesText[],
  changes: Partial<SplitRules> = {},
): Done {
  return splitBytes(split, protocol, message(protocol, list), changes)
}

export function done(result: SplitResult): Done {
  if (!result.ok) throw new Error(`${result.code} at ${result.at}: ${result.detail}`)
  return result
}

export function expectFault(result: SplitResult, code: FaultCode, at: number): void {
  expect(result).toMatchObject({ ok: false, code, at })
  expect(result.ok || result.detail).toMatch(/^[\x20-\x7e]{5,80}$/)
}

/** The message of a share, before compression. */
export function decodedShare(share: SplitShare): Uint8Array {
  const bytes = unsnappy(share.body)
  expect(bytes.length).toBe(share.decodedBytes)
  return bytes
}

/** Tenant → what its upstream reads. */
export function seen(result: Done, protocol: Protocol): Record<string, MessageSeen> {
  const entries = result.shares.map(
    share => [share.tenant, decodeMessage(protocol, decodedShare(share))] as const,
  )
  expect(new Set(entries.map(([tenant]) => tenant)).size, 'one share per tenant').toBe(entries.length)
  return Object.fromEntries(entries)
}

/** Tenant → the labels of its series, as `a=1,b=2`. */
export function labelsSeen(result: Done, protocol: Protocol): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(seen(result, protocol)).map(([tenant, message]) => {
      return [
        tenant,
        message.series.map(it => it.labels.map(([name, value]) => `${name}=${value}`).join(',')),
      ]
    }),
  )
}

/** `reason example`, with `(dropped)` where it is so, and how many series. */
export function refusalsSeen(result: Done): string[] {
  return result.refusals.map((it: SplitRefusal) => {
    return `${it.reason}${it.dropped ? ' (dropped)' : ''} ${it.series} ${JSON.stringify(it.example)}`
  })
}
