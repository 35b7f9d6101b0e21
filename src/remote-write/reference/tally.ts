import type { RefusalReason } from '../../share/refusal.ts'
import { escaped } from '../escaped.ts'
import type { Counts, SplitRefusal } from '../split.ts'

/** Counts that grow. */
export class Tally implements Counts {
  series = 0
  samples = 0
  histograms = 0
  exemplars = 0
  metadata = 0

  add(counts: Counts): void {
    this.series += counts.series
    this.samples += counts.samples
    this.histograms += counts.histograms
    this.exemplars += counts.exemplars
    this.metadata += counts.metadata
  }

  /** A plain value, for the way over a thread border. */
  counts(): Counts {
    const { series, samples, histograms, exemplars, metadata } = this
    return { series, samples, histograms, exemplars, metadata }
  }
}

/** Refused entries, merged by reason and `dropped`, in order of the first of each. */
export class Refusals {
  readonly #merged = new Map<
    string,
    { reason: RefusalReason; dropped: boolean; example: string; tally: Tally }
  >()

  add(reason: RefusalReason, dropped: boolean, value: Uint8Array, counts: Counts): void {
    const key = `${reason} ${dropped}`
    const merged = this.#merged.get(key) ?? { reason, dropped, example: escaped(value), tally: new Tally() }
    merged.tally.add(counts)
    this.#merged.set(key, merged)
  }

  list(): SplitRefusal[] {
    return [...this.#merged.values()].map(({ reason, dropped, example, tally }) => {
      return { reason, dropped, example, ...tally.counts() }
    })
  }
}
