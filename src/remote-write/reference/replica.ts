import { sameBytes } from '../../wire/protobuf.ts'
import { haTextOf, MAX_HA_BYTES } from '../ha-value.ts'
import type { Label } from './message.ts'

/**
 * Which HA replica a share speaks for: the values of the HA labels in its first series, as that series goes out. A
 * label that is repeated counts where it stands last, as Cortex and Mimir read it.
 */
export class Replica {
  readonly #names: readonly Uint8Array[]
  #values: readonly Uint8Array[] | undefined
  #differs = false

  constructor(names: readonly string[]) {
    this.#names = names.map(name => Buffer.from(name))
  }

  /** One series more, whose label `strip` does not go out. */
  see(labels: Iterable<Label>, strip: number | undefined): void {
    if (this.#names.length === 0) return
    const values: Uint8Array[] = this.#names.map(() => new Uint8Array(0))
    let index = 0
    for (const label of labels) {
      if (index++ === strip) continue
      for (const [i, name] of this.#names.entries()) if (sameBytes(label.name, name)) values[i] = label.value
    }
    this.#values ??= values
    if (!values.every((value, i) => isSame(value, this.#values?.[i] as Uint8Array))) this.#differs = true
  }

  get values(): string[] {
    const values: readonly Uint8Array[] = this.#values ?? this.#names.map(() => new Uint8Array(0))
    return values.map(value => haTextOf(value).text)
  }

  /**
   * Whether all series have the values of the first, and these can be told by their text. Different bytes that are not
   * UTF-8 look the same as strings, and values that are too long are not compared, so a share with such a value must not be
   * merged by them.
   */
  get isSingle(): boolean {
    const values = this.#values ?? []
    return !this.#differs && values.every(value => haTextOf(value).isExact)
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length <= MAX_HA_BYTES && sameBytes(a, b)
}
