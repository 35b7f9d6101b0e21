import type { Origin } from './leaf.ts'
import type { ConfigProblem, Place } from './problem.ts'

/** One text, and where it was written. */
export interface Written {
  readonly text: string
  readonly place: Place
}

/** What somebody wrote for one key. A scalar key has exactly one text. */
export interface Setting {
  readonly origin: Origin
  readonly place: Place
  readonly texts: readonly Written[]
  /** Whether it stands in place of the key's section. */
  readonly short?: true
}

/** By path: `tenant.label_list`. */
export type Settings = ReadonlyMap<string, Setting>

export interface SettingsRead {
  readonly settings: Settings
  readonly problems: readonly ConfigProblem[]
  /** Keys and sections that may have been meant to be written; empty text stands for all. Nobody may miss a value there. */
  readonly doubtful: readonly string[]
}
