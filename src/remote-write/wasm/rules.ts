/** The rules as the kernel reads them: one block of words and names, with absolute places. */
import * as abi from '../../../workers/kernel/abi.ts'
import { ALLOWED, parseTenantId, RESERVED } from '../../tenant.ts'
import type { SplitRules } from '../split.ts'

interface Watched {
  readonly name: Uint8Array
  readonly isTenant: boolean
  readonly isHa: boolean
}

/** Returns the block fresh. `at` is where it will stand in memory. */
export function rulesBlock(rules: SplitRules, at: number, seed: bigint): Uint8Array {
  const watches = watched(rules)
  const prefix = Buffer.from(rules.prefix)
  const fallback = Buffer.from(rules.defaultTenant)
  const forbidden = forbiddenValues(rules)
  const block = new Block(at)

  block.word(abi.PRECEDENCE, PRECEDENCES[rules.precedence])
  block.word(abi.STRIP, rules.strip ? 1 : 0)
  block.word(abi.MISSING, MODES[rules.missing])
  block.word(abi.INVALID, MODES[rules.invalid])
  block.word(abi.ACCOUNT, rules.format === 'victoriametrics' ? 1 : 0)
  block.word(abi.METADATA, MODES[rules.metadata])
  block.word(abi.FAMILIES, FAMILIES[rules.families])
  block.word(abi.MAX_TENANTS, Math.min(rules.maxTenants, 0xffffffff))
  block.word(abi.MAX_ENTRIES, Math.min(rules.maxSeries, 0xffffffff))
  // A memory of 32 bits holds no more.
  block.word(abi.MAX_OUTPUT, Math.min(rules.maxOutputBytes, 0xffffffff))
  block.word(abi.SEED, Number(seed & 0xffffffffn))
  block.word(abi.SEED + 4, Number(seed >> 32n))
  block.word(abi.PREFIX, block.put(prefix))
  block.word(abi.PREFIX_LENGTH, prefix.length)
  if (fallback.length > 0) block.word(abi.DEFAULT, block.put(fallback))
  block.word(abi.DEFAULT_LENGTH, fallback.length)
  if (rules.format !== 'victoriametrics' && isPrefix(prefix, ALLOWED[rules.format])) {
    block.set(abi.ALLOWED, ALLOWED[rules.format])
  }

  block.word(abi.FORBIDDEN_COUNT, forbidden.length)
  const rows = forbidden.flatMap(value => [value.length, block.put(value)])
  block.word(abi.FORBIDDEN, block.putWords(rows))
  putWatches(block, rules, watches)
  return block.bytes()
}

const PRECEDENCES = { config: abi.BY_CONFIG, series_first: abi.BY_FIRST, series_last: abi.BY_LAST } as const
const MODES = {
  reject: abi.TO_REJECT,
  drop: abi.TO_DROP,
  default: abi.TO_DEFAULT,
  report: abi.TO_REPORT,
} as const
const FAMILIES = { none: 0, names: abi.NAMES_OF_SERIES, metadata: abi.METADATA_OF_SERIES } as const
const NAME_LABEL = '__name__'

/** The names that are looked for, each once, tenant labels first and in order. */
function watched(rules: SplitRules): Watched[] {
  const tenants = new Set(rules.labels)
  const ha = new Set(rules.haLabels)
  const reported = new Set(rules.families === 'none' ? [] : [NAME_LABEL])
  return [...tenants.union(ha).union(reported)].map(name => {
    return { name: Buffer.from(name), isTenant: tenants.has(name), isHa: ha.has(name) }
  })
}

/** A prefix that may not stand in a tenant makes every value invalid: the kernel then gets a table that allows nothing. */
function isPrefix(prefix: Uint8Array, allowed: Uint8Array): boolean {
  return prefix.every(byte => allowed[byte] === 1)
}

/** Values that make a reserved name when the prefix stands before them. */
function forbiddenValues(rules: SplitRules): Uint8Array[] {
  const { format, prefix } = rules
  return RESERVED.filter(
    name => name.startsWith(prefix) && parseTenantId(Buffer.from(name), format) === undefined,
  )
    .map(name => Buffer.from(name.slice(prefix.length)))
    .filter(value => value.length > 0)
}

/** Rows of `Watch`, chained by the length of their names. */
function putWatches(block: Block, rules: SplitRules, watches: readonly Watched[]): void {
  const names = watches.map(it => block.put(it.name))
  const first = block.putWords(new Array<number>((watches.length * abi.WATCH_BYTES) / 4).fill(0))
  const rowOf = (index: number) => first + index * abi.WATCH_BYTES
  // From the last to the first, so that each chain is in order.
  for (const [index, { name, isTenant, isHa }] of [...watches.entries()].reverse()) {
    const word = name.subarray(0, 8)
    const row = rowOf(index) - block.at
    block.set(row, word)
    block.set(row + 8, new Uint8Array(word.length).fill(0xff))
    block.word(row + 16, names[index] as number)
    block.word(row + 20, name.length)
    if (name.length < 128) {
      const head = abi.BY_LENGTH + 4 * name.length
      block.word(row + 24, block.wordAt(head))
      block.word(head, rowOf(index))
    }
    block.word(row + 28, isTenant ? 1 : 0)
    block.word(row + 32, isHa ? 1 : 0)
  }
  block.word(abi.WATCHES, first)
  block.word(abi.WATCH_COUNT, watches.length)
  block.word(abi.TENANT_LABELS, watches.filter(it => it.isTenant).length)
  const byName = new Map(watches.map((it, index) => [Buffer.from(it.name).toString(), rowOf(index)]))
  block.word(abi.HA, block.putWords(rules.haLabels.map(name => byName.get(name) as number)))
  block.word(abi.HA_COUNT, rules.haLabels.length)
  if (rules.families !== 'none') block.word(abi.NAME_WATCH, byName.get(NAME_LABEL) as number)
}

/** Bytes that grow, the fixed words first. */
class Block {
  readonly at: number
  #bytes = new Uint8Array(8192)
  #end = abi.RULES_BYTES

  constructor(at: number) {
    this.at = at
  }

  /** Places are relative to the block, values absolute. */
  word(place: number, value: number): void {
    new DataView(this.#bytes.buffer).setUint32(place, value, true)
  }

  wordAt(place: number): number {
    return new DataView(this.#bytes.buffer).getUint32(place, true)
  }

  set(place: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, place)
  }

  /** Appends, aligned, and returns the absolute place. Comparing reads 16 bytes at once, so 16 follow. */
  put(bytes: Uint8Array): number {
    const place = this.#end
    this.#end = Math.ceil((place + bytes.length + 16) / 8) * 8
    if (this.#end > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#end)
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.set(place, bytes)
    return this.at + place
  }

  putWords(words: readonly number[]): number {
    return this.put(new Uint8Array(Uint32Array.from(words).buffer))
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#end)
  }
}
