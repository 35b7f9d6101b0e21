/**
 * zstd as vmagent sends it, decoded by Node before an engine looks at the message.
 *
 * The decoded size is bounded while decoding, by what the frames claim, where they do, and by the limit in any case. So
 * is the window, for which the decoder reserves memory on the frame's word alone: at most the largest message that we
 * take, but never less than the 8 MiB that RFC 8878 asks of every decoder.
 */
import { constants, zstdDecompressSync } from 'node:zlib'
import { Fault } from './fault.ts'
import { zstdClaim } from './zstd-claim.ts'

const LEAST_WINDOW_LOG = 23
const MOST_WINDOW_LOG = 27
/** In one piece, and with a byte to spare: without it Node begins another piece as long. */
const pieceOf = (claim: number) => Math.max(claim + 1, 64)

/**
 * Returns the message fresh; borrows `body`. Throws a Fault: `decoded_too_large`, or `zstd_corrupt`, also for bytes
 * behind the last frame. The decoder does not tell positions, so `at` is 0.
 */
export function decodeZstd(body: Uint8Array, maxDecodedBytes: number): Uint8Array {
  const claim = zstdClaim(body)
  if (claim !== undefined && claim > maxDecodedBytes) throw tooLarge()
  const most = claim ?? maxDecodedBytes
  const windowLog = Math.ceil(Math.log2(Math.max(maxDecodedBytes, 1)))
  try {
    const { buffer, engine } = zstdDecompressSync(body, {
      // Node refuses a bound of 0.
      maxOutputLength: Math.max(most, 1),
      ...(claim === undefined ? {} : { chunkSize: pieceOf(claim) }),
      params: {
        [constants.ZSTD_d_windowLogMax]: Math.min(Math.max(windowLog, LEAST_WINDOW_LOG), MOST_WINDOW_LOG),
      },
      info: true,
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } }
    // Without this, Node takes a frame and silently leaves what stands behind it.
    if (engine.bytesWritten !== body.length) {
      throw new Fault('zstd_corrupt', 0, 'bytes behind the zstd frame')
    }
    if (buffer.length > most) throw tooLong(claim)
    return buffer
  } catch (error) {
    if (error instanceof Fault) throw error
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLong(claim)
    throw new Fault('zstd_corrupt', 0, 'not a complete zstd frame')
  }
}

function tooLong(claim: number | undefined): Fault {
  return claim === undefined
    ? tooLarge()
    : new Fault('zstd_corrupt', 0, 'the zstd frame holds more than it claims')
}

function tooLarge(): Fault {
  return new Fault('decoded_too_large', 0, 'the zstd frame holds more than the limit')
}
