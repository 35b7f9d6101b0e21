/**
 * What zstd frames say of their length, read before anything is decoded (RFC 8878, 3.1.1): each frame may have its content
 * size in its header, and where the next frame begins follows from the headers of its blocks.
 */

const MAGIC = 0xfd2fb528
/** 16 numbers from here on: frames that hold nothing for a decoder. */
const SKIPPABLE_MAGIC = 0x184d2a50
const RLE_BLOCK = 1
/** By Frame_Content_Size_flag. Without one, a frame of a single segment has one byte all the same. */
const SIZE_BYTES = [0, 2, 4, 8] as const
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const

/** Frames and blocks that are looked at: an honest push has some hundred at most, a hostile one millions. */
const MOST_STEPS = 10_000

/**
 * Bytes that all frames together claim to decode to; undefined where one leaves it open, where there are very many, or
 * where they can't be followed to their end.
 */
export function zstdClaim(body: Uint8Array): number | undefined {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  let claim = 0
  let steps = 0
  try {
    for (let at = 0; at < view.byteLength; ) {
      if (++steps > MOST_STEPS) return undefined
      const magic = view.getUint32(at, true)
      if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
        at += 8 + view.getUint32(at + 4, true)
        continue
      }
      if (magic !== MAGIC) return undefined
      const frame = readFrame(view, at + 4, MOST_STEPS - steps)
      if (frame === undefined) return undefined
      claim += frame.claim
      steps += frame.blocks
      at = frame.end
    }
    return claim
  } catch (error) {
    // Cut off.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

interface Frame {
  readonly claim: number
  readonly blocks: number
  readonly end: number
}

/**
 * A frame behind its magic number; undefined where it does not tell its length or has too many blocks. Throws a
 * RangeError where it is cut off.
 */
function readFrame(view: DataView, start: number, mostBlocks: number): Frame | undefined {
  const descriptor = view.getUint8(start)
  const isSingle = (descriptor & 0x20) !== 0
  const flag = descriptor >> 6
  const sizeBytes = flag === 0 && isSingle ? 1 : (SIZE_BYTES[flag] as number)
  if (sizeBytes === 0) return undefined
  const sizeAt = start + 1 + (isSingle ? 0 : 1) + (DICTIONARY_ID_BYTES[descriptor & 3] as number)
  const claim = readSize(view, sizeAt, sizeBytes)
  let at = sizeAt + sizeBytes
  let blocks = 0
  for (let isLast = false; !isLast; ) {
    if (++blocks > mostBlocks) return undefined
    const header = view.getUint16(at, true) + (view.getUint8(at + 2) << 16)
    isLast = (header & 1) === 1
    at += 3 + (((header >> 1) & 3) === RLE_BLOCK ? 1 : header >> 3)
  }
  if ((descriptor & 4) !== 0) at += 4
  return { claim, blocks, end: at }
}

function readSize(view: DataView, at: number, bytes: number): number {
  switch (bytes) {
    case 1:
      return view.getUint8(at)
    case 2:
      return view.getUint16(at, true) + 256
    case 4:
      return view.getUint32(at, true)
    default:
      return Number(view.getBigUint64(at, true))
  }
}
