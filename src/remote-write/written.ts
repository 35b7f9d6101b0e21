/**
 * What stores say that they wrote, and what senders of 2.0 are told of it.
 * https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/#required-written-response-headers
 */
import type { Delivery } from '../share/delivery.ts'
import { opened } from './envelope.ts'

/** What a store of 2.0 counts; there is a header for each. */
export type Written = {
  readonly samples: number
  readonly histograms: number
  readonly exemplars: number
}

const NAMES = {
  samples: 'x-prometheus-remote-write-samples-written',
  histograms: 'x-prometheus-remote-write-histograms-written',
  exemplars: 'x-prometheus-remote-write-exemplars-written',
} as const

/**
 * One of the three headers is enough to know that the store counts, and then one that is missing is 0. What is no number
 * is taken for missing. Names in lower case. Returns undefined where there is none of them.
 */
export function parseWritten(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Written | undefined {
  const samples = parseCount(headers[NAMES.samples])
  const histograms = parseCount(headers[NAMES.histograms])
  const exemplars = parseCount(headers[NAMES.exemplars])
  if (samples === undefined && histograms === undefined && exemplars === undefined) return undefined
  return { samples: samples ?? 0, histograms: histograms ?? 0, exemplars: exemplars ?? 0 }
}

function parseCount(value: string | string[] | undefined): number | undefined {
  return typeof value === 'string' && /^\d{1,15}$/.test(value.trim()) ? Number(value) : undefined
}

/** What a store may count of a share. */
export function writtenOf({ samples, histograms, exemplars }: Written): Written {
  return { samples, histograms, exemplars }
}

/** What all of these have together. */
export function sumOfWritten(all: readonly Partial<Written>[]): Written {
  const sum = { samples: 0, histograms: 0, exemplars: 0 }
  for (const { samples = 0, histograms = 0, exemplars = 0 } of all) {
    sum.samples += samples
    sum.histograms += histograms
    sum.exemplars += exemplars
  }
  return sum
}

/** What the stores wrote of a push, all of its shares together. What was left out before delivery never counts. */
export function writtenBy(deliveries: readonly Delivery[]): Written {
  return sumOfWritten(
    deliveries.map(({ share, verdict }) => (verdict.written === 'all' ? opened(share) : verdict.written)),
  )
}

export function writtenHeaders({
  samples,
  histograms,
  exemplars,
}: Written): Readonly<Record<string, string>> {
  return {
    [NAMES.samples]: String(samples),
    [NAMES.histograms]: String(histograms),
    [NAMES.exemplars]: String(exemplars),
  }
}
