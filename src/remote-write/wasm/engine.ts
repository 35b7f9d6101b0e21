/**
 * The engine for every day: the whole split in one WASM instance, whose memory is used again for each push. It equals
 * the reference engine in all that a result says; only how well a share is compressed may differ.
 */
import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import * as abi from '../../../workers/kernel/abi.ts'
import { type FaultCode, faultResult } from '../../wire/fault.ts'
import { isFramed } from '../../wire/snappy.ts'
import { decodeZstd } from '../../wire/zstd.ts'
import { LARGE_SERIES } from '../merge.ts'
import type { Push, Split, SplitResult, SplitRules } from '../split.ts'
import { reportedFault } from './faults.ts'
import { Instances } from './instances.ts'
import { type Kernel, startKernel } from './kernel.ts'
import { compressedBound, type Needs } from './memory.ts'
import { type Report, readReport, TenantNames } from './report.ts'
import { MetricNames } from './reported.ts'
import { rulesBlock } from './rules.ts'

/** Returns an engine with instances of its own; not to be shared between threads. `start` makes each instance. */
export function splitByKernel(module: WebAssembly.Module, start = startKernel): Split {
  const engine = new Engine(() => start(module))
  return (push, rules) => engine.split(push, rules)
}

class Engine {
  readonly #instances: Instances
  readonly #seed = randomBytes(8).readBigUInt64LE()
  readonly #names = new TenantNames()
  readonly #metricNames = new MetricNames()
  /** The instance that this push is split in; the one for every day between pushes, because the large one is held weakly. */
  #kernel: Kernel
  /** What this push may take beside its body and message, in bytes. */
  #workBytes = 0
  /** What its tables have taken of that. */
  readonly #tables: Map<keyof Needs, number> = new Map()
  /** The rules that stand in the kernel's memory. */
  #rules: SplitRules | undefined

  constructor(start: () => Kernel) {
    this.#instances = new Instances(start)
    this.#kernel = this.#instances.everyday
  }

  split(push: Push, rules: SplitRules): SplitResult {
    this.#workBytes = push.workBytes ?? Number.POSITIVE_INFINITY
    try {
      return this.#instances.run(kernel => {
        this.#use(kernel)
        this.#tables.clear()
        return this.#split(push, rules)
      })
    } catch (error) {
      if (!(error instanceof NeedsMore)) throw error
      const { workBytes } = error
      return { ok: false, code: 'needs_more', at: 0, detail: 'the push takes more than is usual', workBytes }
    } finally {
      this.#use(this.#instances.everyday)
    }
  }

  #use(kernel: Kernel): void {
    if (kernel === this.#kernel) return
    this.#kernel = kernel
    this.#rules = undefined
  }

  #split(push: Push, rules: SplitRules): SplitResult {
    const { call, memory } = this.#kernel
    const protocol = rules.output === 'same' ? push.protocol : rules.output
    const isSame = protocol === push.protocol
    this.#setRules(rules)
    const decoded =
      push.encoding === 'snappy' ? this.#decode(push.body, rules) : this.#inflate(push.body, rules)
    if (typeof decoded !== 'number') return decoded
    const usualNeeds = push.protocol === '2.0' ? usualNeeds2 : isSame ? usualNeeds1 : usualNeeds1as2
    const usual = usualNeeds(decoded)
    memory.reserve(usual)
    this.#tables.set('symbols', (usual.symbols ?? 0) * abi.SYMBOL_BYTES)
    this.#tables.set('entries', usual.entries ?? 0)
    this.#tables.set('refs', usual.refs ?? 0)
    const mayKeep = isSame && push.encoding === 'snappy' && rules.compression !== 'none' ? 1 : 0
    const scan = push.protocol === '1.0' ? call.scan1 : call.scan2
    if (!this.#scan(() => scan(decoded, mayKeep, isSame ? 0 : 1))) return reportedFault(memory)

    const report = {
      rules,
      names: this.#names,
      metricNames: this.#metricNames,
      decodedBytes: decoded,
      protocol,
    } satisfies Report
    if (memory.word(abi.UNTOUCHED) === 1) {
      // A copy, because the result is the caller's and the body is only borrowed.
      return readReport(memory, report, () => new Uint8Array(push.body))
    }
    const literalsOnly = rules.compression === 'none' || (protocol === '2.0' && this.#isLate(rules)) ? 1 : 0
    const written =
      protocol === '2.0'
        ? this.#write2(decoded, literalsOnly)
        : isSame
          ? this.#write1(decoded, literalsOnly)
          : this.#write2as1(decoded, literalsOnly)
    if (written === abi.FAULT) return reportedFault(memory)
    // The one copy, into memory that can be transferred: all shares are views of it.
    const from = memory.word(abi.OUTPUT)
    const buffer = memory.bytes.buffer.slice(from, from + written)
    return readReport(memory, report, (at, length) => new Uint8Array(buffer, at - from, length))
  }

  /** Whether the shares that come are left to be compressed later. */
  #isLate(rules: SplitRules): boolean {
    if (rules.compression !== 'late') return false
    const { memory } = this.#kernel
    const tenants = memory.word(abi.TENANT_COUNT)
    let series = 0
    for (let k = 0, row = memory.word(abi.TENANTS); k < tenants; k++, row += abi.TENANT_BYTES) {
      series += memory.word(row + abi.TENANT_SERIES)
    }
    return series < tenants * LARGE_SERIES
  }

  #write1(decoded: number, literalsOnly: number): number {
    const { call, memory } = this.#kernel
    const blocks = BLOCK_OVERHEAD * memory.word(abi.TENANT_COUNT)
    this.#reserve(BLOCK_BYTES + decoded, compressedBound(memory.word(abi.TOTAL)) + blocks)
    return call.write1(literalsOnly)
  }

  #write2as1(decoded: number, literalsOnly: number): number {
    const { call, memory } = this.#kernel
    const blocks = BLOCK_OVERHEAD * memory.word(abi.TENANT_COUNT)
    this.#reserve(this.#spelledBuild(decoded), compressedBound(memory.word(abi.TOTAL)) + blocks)
    return call.write2as1(literalsOnly)
  }

  /** What BUILD has to hold for series of 2.0 that are written as 1.0. */
  #spelledBuild(decoded: number): number {
    // A label is two symbols of the push; anything else stands in it as it is, or in the block that is being gathered.
    const longest = Math.max(2 * this.#kernel.memory.word(abi.SYMBOLS_SIZE), decoded, BLOCK_BYTES)
    return BLOCK_BYTES + longest + BLOCK_OVERHEAD
  }

  /** How long the shares get is known only when they are written, so the output grows while that is done. */
  #write2(decoded: number, literalsOnly: number): number {
    const { call, memory } = this.#kernel
    // A reference into a share's table takes at most as many bytes as one to the push's last symbol.
    const width = varintBytes(memory.word(abi.SYMBOL_COUNT))
    // From 1.0, a label of two bytes becomes two references, and has its share of the lengths before these.
    const build = memory.word(abi.SYMBOLS_SIZE) + BLOCK_OVERHEAD + (width + 1) * decoded
    const aside = memory.word(abi.ASIDE_TOTAL) > 0 ? this.#spelledBuild(decoded) : 0
    for (let output = compressedBound(decoded); ; output = memory.word(abi.OUTPUT_NEEDED)) {
      this.#reserve(Math.max(build, aside), output)
      const written = call.write2(literalsOnly)
      if (written !== abi.NEED_OUTPUT) return written
    }
  }

  /** Makes room for the shares, which stand there twice in the end: in the kernel and in the result. */
  #reserve(build: number, output: number): void {
    this.#afford(build + 2 * output)
    this.#kernel.memory.reserve({ build, output })
  }

  /** Throws `NeedsMore` where this is too much, together with the tables. */
  #afford(bytes: number): void {
    let workBytes = bytes
    for (const taken of this.#tables.values()) workBytes += Math.ceil(taken)
    if (workBytes > this.#workBytes) throw new NeedsMore(workBytes)
  }

  /** The length of the message, which then stands in its arena. */
  #decode(body: Uint8Array, rules: SplitRules): number | SplitResult {
    const { call, memory } = this.#kernel
    if (isFramed(body)) return fault(FRAMED)
    memory.reserve({ input: body.length })
    memory.bytes.set(body, memory.word(abi.INPUT))
    const claimed = call.claim(body.length)
    if (claimed === abi.FAULT) return reportedFault(memory)
    if (claimed > rules.maxDecodedBytes) return fault(CLAIMS_TOO_MUCH)
    memory.reserve({ message: claimed })
    return call.decode(body.length, claimed) === abi.FAULT ? reportedFault(memory) : claimed
  }

  #inflate(body: Uint8Array, rules: SplitRules): number | SplitResult {
    const { memory } = this.#kernel
    try {
      const message = decodeZstd(body, rules.maxDecodedBytes)
      memory.reserve({ message: message.length })
      memory.bytes.set(message, memory.word(abi.MESSAGE))
      return message.length
    } catch (error) {
      return faultResult(error)
    }
  }

  #setRules(rules: SplitRules): void {
    // Compared by what they say: rules that came to a thread are another object each time.
    if (this.#rules !== undefined && (rules === this.#rules || isDeepStrictEqual(rules, this.#rules))) return
    const { memory } = this.#kernel
    const block = rulesBlock(rules, memory.word(abi.RULES), this.#seed)
    memory.reserve({ rules: block.length, replicas: rules.haLabels.length })
    memory.bytes.set(block, memory.word(abi.RULES))
    this.#rules = rules
    this.#names.forget()
  }

  /** Scans, and again with more room until the tables hold the push. The limits in the rules end this. */
  #scan(scan: () => number): boolean {
    const { memory } = this.#kernel
    for (;;) {
      const answer = scan()
      const arena = NEEDS[answer]
      if (arena === undefined) return answer !== abi.FAULT
      this.#tables.set(arena, 2 * memory.sizeOf(arena))
      this.#afford(0)
      memory.double(arena)
    }
  }
}

/** Ends a split that would take more memory than it may. It does not leave the engine. */
class NeedsMore extends Error {
  readonly workBytes: number

  constructor(workBytes: number) {
    super()
    this.workBytes = workBytes
  }
}

// What the tables take for a message of that many bytes if its series are of the usual size: a guess that spares a large
// push the scans that would find out. Room that is not used costs nothing but addresses.

/** A row for each hundred bytes. */
function usualNeeds1(decoded: number): Partial<Needs> {
  return { entries: decoded / 5 }
}

/** The same, with a reference for each ten bytes, and a symbol in every fifth of them. */
function usualNeeds1as2(decoded: number): Partial<Needs> {
  return { symbols: decoded / 50, entries: decoded / 3, refs: decoded / 2 }
}

/** Symbols of 50 bytes, and series of 100 bytes with a reference in each fourth of them. */
function usualNeeds2(decoded: number): Partial<Needs> {
  return { symbols: decoded / 50, entries: decoded / 3, refs: decoded }
}

/** Which arena a scan found too small. */
const NEEDS: Readonly<Record<number, keyof Needs>> = {
  [abi.NEED_ENTRIES]: 'entries',
  [abi.NEED_TENANTS]: 'tenants',
  [abi.NEED_SYMBOLS]: 'symbols',
  [abi.NEED_REFS]: 'refs',
}

/** Input of one snappy block, as the encoder cuts it. */
const BLOCK_BYTES = 65_536
const BLOCK_OVERHEAD = 64

function varintBytes(value: number): number {
  return Math.max(1, Math.ceil(Math.log2(value + 1) / 7))
}

interface Failure {
  readonly code: FaultCode
  readonly detail: string
}

const FRAMED: Failure = { code: 'snappy_corrupt', detail: 'framed snappy, where one block is expected' }
const CLAIMS_TOO_MUCH: Failure = {
  code: 'decoded_too_large',
  detail: 'the snappy block claims more than the limit',
}

/** These concern the push as a whole, so there is no position to name. */
function fault(failure: Failure): SplitResult {
  return { ok: false, ...failure, at: 0 }
}
