import type { Field } from '../../wire/protobuf.ts'
import type { Counts, Protocol } from '../split.ts'

/**
 * What both protocols have in common: a push is a list of entries, and a share is a message with some of them.
 *
 * A message keeps positions and walks again where it needs more: a hostile push holds millions of fields, and an
 * object for each would take a hundred times its size.
 */
export interface Message {
  /** What `write` writes. */
  readonly output: Protocol
  readonly entries: readonly Entry[]
  /**
   * Whether there are fields beside the entries that go into every share. They are the request's own, and nothing to the
   * other protocol.
   */
  readonly hasOptions: boolean
  /** Whether the message as it came is a message that we would write. */
  readonly isCanonical: boolean
  /** The labels of a series in wire order. Not for one with a bad reference. */
  labels(entry: number): Iterable<Label>
  /** The whole record of an entry, tag and length included. A view. */
  record(entry: number): Uint8Array
  /** What a series of 2.0 says of its family; undefined in 1.0. Not for one with a bad reference. */
  metadata(entry: number): SeriesMetadata | undefined
  /**
   * Returns a message of these entries in the order given. Returns undefined, or throws the Fault, if it would be longer than `maxBytes`.
   */
  write(parts: readonly Part[], maxBytes: number): Uint8Array | undefined
  /** What goes out equal for series that go out with equal labels; see fold.ts. Not for one with a bad reference. */
  labelsKey(part: Part): string
  /** Times that are lost when this entry goes aside. Walks it, so that `writeAside` can trust it; throws a Fault. */
  timesLostAside(entry: number): number
  /** As `write`, but as 1.0, whatever the output is. */
  writeAside(parts: readonly Part[], maxBytes: number): Uint8Array | undefined
}

export interface Entry {
  readonly kind: 'series' | 'metadata'
  /** 2.0: a reference that leads nowhere, so that the labels can't be told. */
  readonly hasBadReference: boolean
  readonly counts: Counts
  /** Times that are lost when it is written; see `createdTimestampsLost`. */
  readonly timesLost: number
  /** Histograms of it that are left out then. */
  readonly histogramsLost: number
}

/** TimeSeries.metadata of 2.0, and its defaults where there is none. */
export interface SeriesMetadata {
  readonly type: number
  readonly help: Uint8Array
  readonly unit: Uint8Array
}

/** Strings are bytes here: what is not UTF-8 passes as it came. */
export interface Label {
  readonly name: Uint8Array
  readonly value: Uint8Array
}

/** Gives the labels of a series or of an exemplar. */
export type LabelsOf = (parent: Field) => Iterable<Label>

/** A series of a message on its way into one of the other protocol. */
export interface Converted {
  readonly series: Field
  /** Index among its labels of the one that is removed. */
  readonly strip: number | undefined
  /** The series that are folded into it. */
  readonly folds: readonly Field[]
}

/** An entry on its way out. */
export interface Part {
  /** Index in `entries`. */
  readonly entry: number
  /** Index among its labels of the one that is removed. */
  readonly strip: number | undefined
  /** The entries that are folded into it. */
  readonly folds?: readonly number[]
}
