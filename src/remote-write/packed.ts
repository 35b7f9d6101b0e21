/**
 * A result as it travels between threads. A structured clone pays for every object, property and view, and a push has a
 * thousand shares: packed, they are one text, one array of numbers and the memory itself. `npm run bench -- load --tenants 100` with threads.
 */
import type { TenantId } from '../tenant.ts'
import { mergeKeyOf } from './merge.ts'
import type { ShareKind, SplitResult, SplitShare } from './split.ts'

type Done = Extract<SplitResult, { ok: true }>

export interface Packed {
  /** All of the result but its shares. */
  readonly rest: Omit<Done, 'shares'> | Extract<SplitResult, { ok: false }>
  /** Tenants, one a line: no tenant has a line break in it. */
  readonly tenants: string
  readonly numbers: Float64Array
  /** The distinct lists of HA values; a share has the index of its own. */
  readonly ha: readonly (readonly string[])[]
  readonly buffers: readonly ArrayBufferLike[]
}

/** What `numbers` holds of a share, in this order. */
const FIELDS = 13

const KINDS: readonly ShareKind[] = ['series', 'aside', 'metadata']

/** Borrows the result; its memory is what `buffers` names. */
export function pack(result: SplitResult): Packed {
  if (!result.ok) return { rest: result, tenants: '', numbers: new Float64Array(), ha: [], buffers: [] }
  const { shares, ...rest } = result
  const numbers = new Float64Array(shares.length * FIELDS)
  const buffers: ArrayBufferLike[] = []
  const lists = new Map<string, number>()
  const ha: (readonly string[])[] = []
  let last: readonly string[] | undefined
  let list = 0
  let tenants = ''
  let at = 0
  for (const share of shares) {
    tenants += `${share.tenant}\n`
    // Shares of one push mostly lie in one piece of memory.
    let buffer = buffers.length - 1
    if (buffers[buffer] !== share.body.buffer) buffer = buffers.indexOf(share.body.buffer)
    if (buffer < 0) buffer = buffers.push(share.body.buffer) - 1
    // The kernel's shares have one list in common while they are of one replica.
    if (share.ha !== last) {
      // No separator would do: a value may hold any character.
      const values = JSON.stringify(share.ha)
      list = lists.get(values) ?? ha.push(share.ha) - 1
      lists.set(values, list)
      last = share.ha
    }
    numbers[at] = share.series
    numbers[at + 1] = share.samples
    numbers[at + 2] = share.histograms
    numbers[at + 3] = share.exemplars
    numbers[at + 4] = share.metadata
    numbers[at + 5] = share.decodedBytes
    numbers[at + 6] = share.alone ? 1 : 0
    numbers[at + 7] = list
    numbers[at + 8] = buffer
    numbers[at + 9] = share.body.byteOffset
    numbers[at + 10] = share.body.byteLength
    numbers[at + 11] = KINDS.indexOf(share.kind)
    numbers[at + 12] = share.protocol === '1.0' ? 0 : 1
    at += FIELDS
  }
  return { rest, tenants, numbers, ha, buffers }
}

/** Takes what `pack` made; the shares are views of its buffers. */
export function unpack({ rest, tenants, numbers, ha, buffers }: Packed): SplitResult {
  if (!rest.ok) return rest
  const names = tenants.split('\n')
  const shares: SplitShare[] = []
  // One for each list and protocol, not one for each share.
  const keys = ha.map(values => [
    mergeKeyOf({ protocol: '1.0', ha: values }),
    mergeKeyOf({ protocol: '2.0', ha: values }),
  ])
  for (let at = 0, index = 0; at < numbers.length; at += FIELDS, index++) {
    // In the order of properties that the kernel's own have: those who handle shares see one kind of object.
    shares.push({
      tenant: names[index] as TenantId,
      kind: KINDS[numbers[at + 11] as number] as ShareKind,
      protocol: numbers[at + 12] === 0 ? '1.0' : '2.0',
      body: new Uint8Array(
        buffers[numbers[at + 8] as number] as ArrayBuffer,
        numbers[at + 9] as number,
        numbers[at + 10] as number,
      ),
      decodedBytes: numbers[at + 5] as number,
      mergeKey: keys[numbers[at + 7] as number]?.[numbers[at + 12] as number] as string,
      ha: ha[numbers[at + 7] as number] as readonly string[],
      alone: numbers[at + 6] === 1,
      entries: numbers[at] as number,
      series: numbers[at] as number,
      samples: numbers[at + 1] as number,
      histograms: numbers[at + 2] as number,
      exemplars: numbers[at + 3] as number,
      metadata: numbers[at + 4] as number,
    })
  }
  return { ...rest, shares }
}
