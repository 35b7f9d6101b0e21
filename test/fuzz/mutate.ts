/** Changes inputs: blindly, and along the fields of protobuf, so that what comes out is often still a message. */

export type Chance = (below: number) => number

const INTERESTING = [0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x12, 0x1a, 0x22, 0x2a, 0x08, 0x18, 0x20]
const LENGTHS = [0, 1, 8, 16, 60, 61, 64, 65, 127, 128, 129, 255, 256, 257, 2047, 2048, 16_383, 16_384]

/** `other` is another input, to take parts from. */
export function mutate(input: Uint8Array, other: Uint8Array, head: number, chance: Chance): Uint8Array {
  let bytes = Buffer.from(input)
  for (let n = 1 + chance(3); n > 0; n--) bytes = change(bytes, other, head, chance)
  return new Uint8Array(bytes)
}

function change(bytes: Buffer, other: Uint8Array, head: number, chance: Chance): Buffer<ArrayBuffer> {
  const at = head + chance(Math.max(1, bytes.length - head))
  const copy = Buffer.from(bytes)
  switch (chance(12)) {
    case 0:
      if (at < copy.length) copy[at] = chance(256)
      return copy
    case 1:
      if (at < copy.length) copy[at] = INTERESTING[chance(INTERESTING.length)] as number
      return copy
    case 2:
      if (at < copy.length) copy[at] = (copy[at] as number) ^ (1 << chance(8))
      return copy
    case 3:
      return join(bytes.subarray(0, at), Buffer.from([chance(256)]), bytes.subarray(at))
    case 4:
      return join(bytes.subarray(0, at), bytes.subarray(at + 1 + chance(8)))
    case 5:
      return Buffer.from(bytes.subarray(0, at))
    case 6: {
      copy[chance(head)] = chance(256)
      return copy
    }
    case 7:
      return join(bytes, Buffer.from(other.subarray(head)))
    default:
      return changeField(bytes, other, head, chance)
  }
}

interface Field {
  /** Where the lengths of the fields around it stand, outermost first. */
  readonly parents: readonly Field[]
  readonly at: number
  readonly start: number
  readonly end: number
}

function changeField(bytes: Buffer, other: Uint8Array, head: number, chance: Chance): Buffer<ArrayBuffer> {
  const field = pick(bytes, head, chance)
  if (field === undefined) return Buffer.from(bytes)
  const whole = bytes.subarray(field.at, field.end)
  switch (chance(8)) {
    case 0:
      return replace(bytes, field, Buffer.alloc(0))
    case 1:
      return replace(bytes, field, join(whole, whole))
    case 2: {
      // The same field with contents of another length.
      const length = LENGTHS[chance(LENGTHS.length)] as number
      return replace(bytes, field, record(whole[0] as number, Buffer.alloc(length, 0x61 + chance(4))))
    }
    case 3: {
      const taken = pick(other, head, chance)
      return taken === undefined
        ? Buffer.from(bytes)
        : replace(bytes, field, Buffer.from(other.subarray(taken.at, taken.end)))
    }
    case 4: {
      const taken = pick(other, head, chance)
      return taken === undefined
        ? Buffer.from(bytes)
        : replace(bytes, field, join(whole, Buffer.from(other.subarray(taken.at, taken.end))))
    }
    case 5: {
      // Tag and length longer than they need be.
      const tag = Buffer.from([(whole[0] as number) | 0x80, 0])
      return replace(
        bytes,
        field,
        join(tag, padded(field.end - field.start), bytes.subarray(field.start, field.end)),
      )
    }
    case 6:
      return replace(bytes, field, record(8 * (1 + chance(7)) + 2, bytes.subarray(field.start, field.end)))
    default:
      return replace(
        bytes,
        field,
        Buffer.from([
          8 * (1 + chance(7)) + [0, 1, 5, 0][chance(4)]!,
          ...Array.from({ length: 1 + chance(9) }, () => chance(256)),
        ]),
      )
  }
}

/** A field at any depth, found by walking down at random. */
function pick(bytes: Uint8Array, head: number, chance: Chance): Field | undefined {
  let found: Field | undefined
  let from = head
  let to = bytes.length
  const parents: Field[] = []
  for (let depth = chance(4); depth >= 0; depth--) {
    const fields = fieldsOf(bytes, from, to, parents)
    if (fields.length === 0) break
    found = fields[chance(fields.length)] as Field
    parents.push(found)
    from = found.start
    to = found.end
  }
  return found
}

function fieldsOf(bytes: Uint8Array, from: number, to: number, parents: readonly Field[]): Field[] {
  const fields: Field[] = []
  for (let at = from; at < to; ) {
    if (((bytes[at] as number) & 7) !== 2) break
    let length = 0
    let start = at + 1
    for (let shift = 0; start < to; shift += 7) {
      const byte = bytes[start++] as number
      length += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) break
    }
    if (start + length > to) break
    fields.push({ parents: [...parents], at, start, end: start + length })
    at = start + length
  }
  return fields
}

/** With the lengths of all fields around it put right. */
function replace(bytes: Buffer, field: Field, by: Buffer): Buffer<ArrayBuffer> {
  let inner = by
  let { at, end } = field
  for (const parent of [...field.parents].reverse()) {
    const contents = join(bytes.subarray(parent.start, at), inner, bytes.subarray(end, parent.end))
    inner = record(bytes[parent.at] as number, contents)
    at = parent.at
    end = parent.end
  }
  return join(bytes.subarray(0, at), inner, bytes.subarray(end))
}

function record(tag: number, contents: Uint8Array): Buffer<ArrayBuffer> {
  const length: number[] = []
  let rest = contents.length
  for (; rest > 127; rest >>= 7) length.push((rest & 127) | 128)
  return join(Buffer.from([tag, ...length, rest]), contents)
}

function padded(length: number): Buffer {
  return Buffer.from([(length & 127) | 128, ((length >> 7) & 127) | 128, (length >> 14) & 127])
}

function join(...parts: readonly Uint8Array[]): Buffer<ArrayBuffer> {
  return Buffer.concat(parts)
}
