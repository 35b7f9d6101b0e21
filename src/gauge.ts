/** Something that can fill up, as a part offers it to /metrics; asked when it is scraped. */
export interface Gauge {
  /** Without `sluice_`. */
  readonly name: string
  readonly help: string
  readonly read: () => number
  /** A state, such as open or not: of two with the same labels the newer is shown. Of what is counted, their sum is. */
  readonly state?: true
  /** Its bound, which becomes a gauge `…_limit` whose help begins with the key. */
  readonly limit?: { readonly key: string; readonly read: () => number; readonly name?: string }
}
