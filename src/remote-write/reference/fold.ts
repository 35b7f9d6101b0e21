/**
 * Shares of 2.0: a store refuses a series that has neither samples nor histograms, or even the whole request for it
 * (Cortex 1.21), and Prometheus sends each exemplar in such a series of its own ("lone" here). Each is folded into the
 * first series of its share that goes out with the same labels and has something to store: all but its labels is appended
 * there, metadata and created_timestamp only where none before had them. What finds no such series goes beside
 * the share, as 1.0, which has no such rule; behind it entries of metadata of a 1.0 push, which have no place in 2.0.
 *
 * Labels are the same if they stand in the same order; in a push of 2.0, if their references are the same. So a
 * symbol table that spells a string twice may keep a series from its host, which costs nothing but bytes.
 */
import type { Message, Part } from './message.ts'

/** What a tenant has of a push. */
export interface Folded {
  /** Of its share. */
  readonly parts: readonly Part[]
  readonly aside: readonly Part[]
}

export function fold(message: Message, parts: readonly Part[]): Folded {
  const metadata = parts.filter(part => isMetadata(message, part))
  const lone = parts.filter(part => isLone(message, part))
  if (lone.length + metadata.length === 0) return { parts, aside: [] }
  const hosts = new Map<string, number[]>()
  const kept: Part[] = []
  for (const part of parts) {
    if (isLone(message, part) || isMetadata(message, part)) continue
    const folds: number[] = []
    kept.push({ ...part, folds })
    const key = message.labelsKey(part)
    if (hasValues(message, part) && !hosts.has(key)) hosts.set(key, folds)
  }
  const aside: Part[] = []
  for (const part of lone) {
    const host = hosts.get(message.labelsKey(part))
    if (host === undefined) aside.push(part)
    else host.push(part.entry)
  }
  return { parts: kept, aside: [...aside, ...metadata] }
}

function isMetadata(message: Message, part: Part): boolean {
  return message.entries[part.entry]?.kind === 'metadata'
}

function isLone(message: Message, part: Part): boolean {
  return !hasValues(message, part) && (message.entries[part.entry]?.counts.exemplars ?? 0) > 0
}

function hasValues(message: Message, { entry }: Part): boolean {
  const counts = message.entries[entry]?.counts
  return counts !== undefined && counts.samples + counts.histograms > 0
}
