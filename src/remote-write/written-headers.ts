/**
 * What a store of 2.0 says that it wrote of a request. One of the three headers is enough to know that it counts, and
 * then one that is missing is 0. What is no number is taken for missing.
 * https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/#required-written-response-headers
 */
import type { Written } from '../share/verdict.ts'

/** Names in lower case. Returns undefined where there is none of them. */
export function parseWritten(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Written | undefined {
  const samples = parseCount(headers['x-prometheus-remote-write-samples-written'])
  const histograms = parseCount(headers['x-prometheus-remote-write-histograms-written'])
  const exemplars = parseCount(headers['x-prometheus-remote-write-exemplars-written'])
  if (samples === undefined && histograms === undefined && exemplars === undefined) return undefined
  return { samples: samples ?? 0, histograms: histograms ?? 0, exemplars: exemplars ?? 0 }
}

function parseCount(value: string | string[] | undefined): number | undefined {
  return typeof value === 'string' && /^\d{1,15}$/.test(value.trim()) ? Number(value) : undefined
}
