/**
 * The kernel's memory, laid out in this one place. Arenas stand in a fixed order, each with SLACK behind it:
 *
 *     desk · RULES · TABLE · SEEN · INPUT · MESSAGE · TENANTS · SLOTS · REPLICAS · SYMBOLS · ENTRIES · REFS ·
 *     BUILD · OUTPUT
 *
 * An arena that must grow pushes away only those behind it, so what a push has already written stays where it is: the
 * order is that of first use. Pages that are never touched cost nothing but addresses.
 */
import * as abi from '../../../workers/kernel/abi.ts'

/** What each arena has to hold: bytes, or rows where it says so. */
export interface Needs {
  rules: number
  input: number
  message: number
  /** Rows. */
  tenants: number
  /** HA labels of each tenant. */
  replicas: number
  /** Rows. */
  symbols: number
  entries: number
  refs: number
  build: number
  output: number
}

/** An instance for every day never becomes larger than this; instances.ts says why. */
export const KEEP_BYTES = 32 * 1024 * 1024

/** Says that a memory would have to become larger than it may. It is left as it was. */
export class Outgrown extends Error {}

/** Snappy's own bound for what can't be compressed, and what the encoder may write too far. */
export function compressedBound(bytes: number): number {
  return bytes + Math.ceil(bytes / 6) + 64
}

/** Of the arenas that are given in rows. */
const ROW_BYTES: Partial<Record<keyof Needs, number>> = {
  tenants: abi.TENANT_BYTES + abi.ACCOUNT_BYTES,
  symbols: abi.SYMBOL_BYTES,
}

const START = abi.MEMOS + 4096
const PAGE = 65_536
/** Arenas begin at whole cache lines. */
const ALIGN = 64

const AT_FIRST: Readonly<Needs> = {
  rules: 4096,
  input: PAGE,
  message: 4 * PAGE,
  tenants: 64,
  replicas: 2,
  symbols: 4096,
  entries: PAGE,
  refs: PAGE,
  build: 4 * PAGE,
  output: 4 * PAGE,
}

export class Memory {
  readonly #memory: WebAssembly.Memory
  #mostBytes = Number.POSITIVE_INFINITY
  #has: Readonly<Needs> = AT_FIRST
  #bytes: Uint8Array<ArrayBuffer>
  #words: Uint32Array

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory
    this.#bytes = new Uint8Array(0)
    this.#words = new Uint32Array(0)
    this.#layOut(AT_FIRST)
  }

  /** All of it. A view is good until the next `reserve`. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes
  }

  get size(): number {
    return this.#bytes.length
  }

  word(at: number): number {
    return this.#words[at >> 2] as number
  }

  setWord(at: number, value: number): void {
    this.#words[at >> 2] = value
  }

  /** Gives every arena the size it had at first, and forgets what is in them. It throws `Outgrown` from now on beyond that size. */
  startOver(mostBytes: number): void {
    this.#mostBytes = mostBytes
    this.#layOut(AT_FIRST)
  }

  /** Makes room. Keeps the contents of every arena before the first that grows, and of the output where only that grows. */
  reserve(needs: Partial<Needs>): void {
    let has: Needs | undefined
    // No list of entries: this is called for every batch.
    for (const name in needs) {
      const arena = name as keyof Needs
      const need = needs[arena] ?? 0
      if (need <= this.#has[arena]) continue
      has ??= { ...this.#has }
      // A quarter more, so that pushes that grow slowly do not move everything each time.
      has[arena] = Math.ceil(need * 1.25)
    }
    if (has !== undefined) this.#layOut(has)
  }

  /** What an arena takes, in bytes. */
  sizeOf(arena: keyof Needs): number {
    return this.#has[arena] * (ROW_BYTES[arena] ?? 1)
  }

  /** Doubles an arena. */
  double(arena: keyof Needs): void {
    this.#layOut({ ...this.#has, [arena]: 2 * this.#has[arena] })
  }

  #layOut(has: Readonly<Needs>): void {
    const slots = 2 ** Math.ceil(Math.log2(2 * has.tenants))
    let end = START
    const place = (bytes: number) => {
      const at = end
      end = Math.ceil((end + bytes + abi.SLACK) / ALIGN) * ALIGN
      return at
    }
    const desk = [
      [abi.RULES, place(has.rules)],
      [abi.TABLE, place(TABLE_BYTES)],
      [abi.SEEN, place(4 * abi.SEEN_COUNT)],
      [abi.INPUT, place(has.input)],
      [abi.MESSAGE, place(has.message)],
      [abi.TENANTS, place(has.tenants * (abi.TENANT_BYTES + abi.ACCOUNT_BYTES))],
      [abi.TENANTS_ROOM, has.tenants],
      [abi.SLOTS, place(slots * abi.SLOT_BYTES)],
      [abi.SLOTS_MASK, slots - 1],
      [abi.REPLICAS, place(has.tenants * has.replicas * 8)],
      [abi.SYMBOLS, place(has.symbols * abi.SYMBOL_BYTES)],
      [abi.SYMBOLS_ROOM, has.symbols],
      [abi.ENTRIES, place(has.entries)],
      [abi.ENTRIES_ROOM, has.entries],
      [abi.REFS, place(has.refs)],
      [abi.REFS_ROOM, has.refs],
      [abi.BUILD, place(has.build)],
      [abi.BUILD_ROOM, has.build],
      [abi.OUTPUT, place(has.output)],
      [abi.OUTPUT_ROOM, has.output],
    ] as const
    if (end > this.#mostBytes) throw new Outgrown()
    const missing = Math.ceil(end / PAGE) - this.#memory.buffer.byteLength / PAGE
    if (missing > 0) this.#memory.grow(missing)
    this.#has = has
    this.#bytes = new Uint8Array(this.#memory.buffer)
    this.#words = new Uint32Array(this.#memory.buffer)
    for (const [at, value] of desk) this.setWord(at, value)
    const at = this.word(abi.SLOTS)
    this.#bytes.fill(0, at, at + slots * abi.SLOT_BYTES)
  }
}

/** The bytes whose place and length stand at `at`. A view. */
export function bytesAt(memory: Memory, at: number): Buffer {
  const from = memory.word(at)
  return Buffer.from(memory.bytes.buffer, from, memory.word(at + 4))
}

/** 2^13 entries of 16 bits. */
const TABLE_BYTES = 16_384
