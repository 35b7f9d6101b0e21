// Remote write 2.0: writes the shares. Each has a symbol table of its own: first "", then what its series refer to,
// in order of the first reference. The table stands before the series, and is complete only behind them: the
// series are written first, with room before them for all symbols of the push.
//
// The series were checked when they were routed, so what is read here is well-formed and every reference leads
// somewhere.
import { BUILD, MORE_OUTPUT, NEED_OUTPUT, OUTPUT, OUTPUT_NEEDED, OUTPUT_ROOM, OUTPUT_TOO_LARGE, SYMBOLS_SIZE } from './abi'
import { MESSAGE } from './abi'
import { writeInterned } from './as-request'
import { copy } from './bytes'
import { copyOptions } from './entries'
import { fault } from './fault'
import { Aside, asideTotal, NOTHING } from './fold'
import { spellAll } from './as-write-request'
import { closeBlock, openBlock } from './gather'
import { close, putRefs } from './message-v2'
import { gather } from './share'
import { fieldEnd, fieldNumber, fieldStart, fieldType, fieldValue, frame, VARINT } from './field'
import { isWithinOutput } from './report'
import { Series } from './series-v2'
import { encode } from './snappy-encode'
import { openTable, refTo, sizeSymbols, tableEnd } from './symbols'
import { Tenant, tenantAt, tenantCount } from './tenants'
import { behind, putVarint, varint, varintSize } from './varint'

/** The tenant whose share comes next. */
let next: u32 = 0
/** Bytes of the shares so far: as messages, and compressed. */
let total: u64 = 0
let written: u32 = 0
/** Whether the push was of 1.0. */
let interned: bool = false

export function openSharesV2(fromV1: bool): void {
  interned = fromV1
  next = 0
  written = 0
  total = 0
}

/**
 * Writes the shares that are missing yet. Answers how long all are together; or FAULT, or NEED_OUTPUT to go on with
 * more room.
 */
export function writeSharesV2(): i32 {
  const build = <usize>load<u32>(BUILD)
  // Behind room for all symbols. What is copied may go a vector too far.
  const series = build + load<u32>(SYMBOLS_SIZE) + 64
  const output = <usize>load<u32>(OUTPUT)
  while (next < tenantCount) {
    const tenant = tenantAt(next)
    // All that it has goes aside.
    if (tenant.head == 0) {
      next++
      continue
    }
    openTable(build)
    const end = interned ? writeInterned(tenant, series) : copyOptions(writeAll(tenant, series))
    const table = tableEnd() - build
    const start = series - table
    memory.copy(start, build, table)
    const size = <u32>(end - start)
    if (!isWithinOutput(total + size + asideTotal)) return fault(OUTPUT_TOO_LARGE, load<u32>(MESSAGE), MORE_OUTPUT)
    // Snappy's own bound for what can't be compressed.
    const needed = <u64>written + size + size / 6 + 64
    if (needed > <u64>load<u32>(OUTPUT_ROOM)) {
      store<u32>(OUTPUT_NEEDED, <u32>needed)
      return NEED_OUTPUT
    }
    const length = <u32>(encode(start, size, output + written) - (output + written))
    tenant.size = size
    tenant.out = <u32>(output + written)
    tenant.outLength = length
    total += size
    written += length
    next++
  }
  return asideTotal > 0 ? writeAsides(output) : written
}

/** Writes what goes beside the shares, behind all of these; answers as `writeSharesV2`. */
function writeAsides(output: usize): i32 {
  const needed = <u64>written + asideTotal + asideTotal / 6 + <u64>tenantCount * 64
  if (needed > <u64>load<u32>(OUTPUT_ROOM)) {
    store<u32>(OUTPUT_NEEDED, <u32>needed)
    return NEED_OUTPUT
  }
  if (!interned) sizeSymbols()
  let to = output + written
  for (let k: u32 = 0; k < tenantCount; k++) {
    const row = <usize>tenantAt(k).aside
    if (row == 0) continue
    const aside = changetype<Aside>(row)
    if (aside.head == 0) continue
    const end = closeBlock(writeAside(aside.head, openBlock(aside.size, to)))
    aside.out = <u32>to
    aside.outLength = <u32>(end - to)
    to = end
  }
  return <i32>(to - output)
}

/** Writes a chain of entries as 1.0 at `p`; returns where the next bytes go. */
function writeAside(first: u32, p: usize): usize {
  return interned ? gather(first, p) : spellAll(first, p)
}

/** Writes all series of a tenant at `p`; returns the position behind them. */
function writeAll(tenant: Tenant, p: usize): usize {
  let at = <usize>tenant.head
  while (at != 0) {
    const series = changetype<Series>(at)
    at = series.next
    store<u8>(p, 0x2a)
    // The bet: the contents get as long as they were, so that their length takes the room that was left for it.
    // Fallback: close() moves them.
    const room = varintSize(series.end - series.start)
    const contents = p + 1 + room
    let q = putRefs(series.refs, series.refsEnd, contents)
    q = series.refersMore ? writeRest(series.rest, series.end, q) : copy(q, series.rest, series.end - series.rest)
    if (series.folds > NOTHING) q = writeFolded(series, series.folds, q)
    p = close(contents, room, q)
  }
  return p
}

/**
 * Writes what is folded into a series: all but the labels, and metadata and created timestamp, which a series has once,
 * only where none before had them.
 */
function writeFolded(host: Series, folded: usize, q: usize): usize {
  let hasMetadata = hasField(host, 5)
  let hasCreated = hasField(host, 6)
  while (folded != 0) {
    const series = changetype<Series>(folded)
    folded = series.next
    const end = <usize>series.end
    const skipsMetadata = hasMetadata
    const skipsCreated = hasCreated
    let i = <usize>series.rest
    while (i < end) {
      frame(i, end)
      const stop = fieldEnd
      const number = fieldNumber
      if (number == 4) q = writeExemplar(fieldStart, stop, q)
      else if (number == 5) {
        hasMetadata = true
        if (!skipsMetadata) q = writeMetadata(fieldStart, stop, q)
      } else if (number != 1) {
        if (number == 6) hasCreated = true
        if (number != 6 || !skipsCreated) q = copy(q, i, <u32>(stop - i))
      }
      i = stop
    }
  }
  return q
}

function hasField(series: Series, number: u32): bool {
  const end = <usize>series.end
  for (let i = <usize>series.rest; i < end; i = fieldEnd) {
    frame(i, end)
    if (fieldNumber == number) return true
  }
  return false
}

/** Writes the fields of a series from `i` on, but for its label references, and rewrites those inside. */
export function writeRest(i: usize, end: usize, q: usize): usize {
  while (i < end) {
    const w = <u32>load<u16>(i)
    if (w < 0x8000) {
      // Samples and metadata whose length takes one byte.
      const stop = i + 2 + (w >> 8)
      const tag = w & 0xff
      if (tag == 0x12) {
        q = copy(q, i, <u32>(stop - i))
        i = stop
        continue
      }
      if (tag == 0x2a) {
        q = writeMetadata(i + 2, stop, q)
        i = stop
        continue
      }
    }
    frame(i, end)
    const stop = fieldEnd
    if (fieldNumber == 4) q = writeExemplar(fieldStart, stop, q)
    else if (fieldNumber == 5) q = writeMetadata(fieldStart, stop, q)
    else if (fieldNumber != 1) q = copy(q, i, <u32>(stop - i))
    i = stop
  }
  return q
}

function writeMetadata(i: usize, end: usize, q: usize): usize {
  store<u8>(q, 0x2a)
  const contents = q + 2
  q = contents
  while (i < end) {
    const tag = <u32>load<u8>(i)
    const byte = <u32>load<u8>(i, 1)
    // One byte of tag and one of value: no need to frame that.
    if ((tag & 0x87) == 0 && byte < 128) {
      store<u8>(q, tag)
      q = putVarint(q + 1, tag == 0x18 || tag == 0x20 ? refTo(byte) : byte)
      i += 2
      continue
    }
    frame(i, end)
    const stop = fieldEnd
    if (fieldNumber == 3 || fieldNumber == 4) {
      store<u8>(q, fieldNumber << 3)
      q = putVarint(q + 1, refTo(fieldValue))
    } else {
      q = copy(q, i, <u32>(stop - i))
    }
    i = stop
  }
  return close(contents, 1, q)
}

function writeExemplar(from: usize, end: usize, q: usize): usize {
  store<u8>(q, 0x22)
  const contents = q + 2
  q = contents
  // All references first, in one packed record; then the other fields as they came.
  store<u8>(q, 0x0a)
  const packed = q + 2
  q = packed
  q = writeOddRefs(from, end, q)
  q = q == packed ? contents : close(packed, 1, q)
  let i = from
  while (i < end) {
    frame(i, end)
    const stop = fieldEnd
    if (fieldNumber != 1) q = copy(q, i, <u32>(stop - i))
    i = stop
  }
  return close(contents, 1, q)
}

function writeRefs(i: usize, end: usize, q: usize): usize {
  while (i < end) {
    // The common case: references of one or two bytes.
    const w = <u32>load<u16>(i)
    if ((w & 0x80) == 0) {
      q = putVarint(q, refTo(w & 0x7f))
      i++
    } else if (w < 0x8000) {
      q = putVarint(q, refTo((w & 0x7f) | ((w >> 8) << 7)))
      i += 2
    } else {
      q = putVarint(q, refTo(<u32>varint(i, end)))
      i = behind
    }
  }
  return q
}

/** Rewrites the references of a series or an exemplar, in however many fields they stand, one behind the other. */
export function writeOddRefs(i: usize, end: usize, q: usize): usize {
  while (i < end) {
    frame(i, end)
    const stop = fieldEnd
    if (fieldNumber == 1) {
      if (fieldType == VARINT) q = putVarint(q, refTo(fieldValue))
      else q = writeRefs(fieldStart, stop, q)
    }
    i = stop
  }
  return q
}
