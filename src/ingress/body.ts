/** Reads the body of one request into a buffer of its own, with a bound in bytes and in time. */
import type { IncomingMessage } from 'node:http'
import { SluiceError } from '../errors.ts'
import { release } from '../wire/release.ts'

export interface BodyLimits {
  readonly maxBytes: number
  readonly timeoutMs: number
  /** Called when the length is known to be allowed, before a byte is read. */
  readonly accepted?: () => void
}

/** In bytes, from Content-Length; undefined for a chunked body. Node has checked the header's form already. */
export function contentLengthOf(request: IncomingMessage): number | undefined {
  const header = request.headers['content-length']
  return header === undefined || request.headers['transfer-encoding'] !== undefined
    ? undefined
    : Number(header)
}

export function hasBody(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || (contentLengthOf(request) ?? 0) > 0
}

/** Whether the sender waits for a 100 before it sends its body (RFC 9110, 10.1.1). */
export function expectsContinue(request: IncomingMessage): boolean {
  return request.headers.expect?.toLowerCase() === '100-continue'
}

/**
 * Returns fresh memory that nothing else shares, so that it can be moved to a thread. Rejects with `body_too_large`
 * before more than `maxBytes` are held, `slow_request`, `client_gone` or `body_empty`; what is left of the body then
 * stays unread.
 */
export function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Uint8Array<ArrayBuffer>> {
  const { maxBytes, timeoutMs } = limits
  const length = contentLengthOf(request)
  if (length !== undefined && length > maxBytes) return Promise.reject(tooLarge(maxBytes, length))
  if (length === 0) return Promise.reject(empty())
  limits.accepted?.()

  return new Promise((resolve, reject) => {
    // The common case, a known length, is one allocation and no second copy.
    const sink = length === undefined ? chunked(maxBytes) : sized(length)
    const stop = (finish: () => void) => {
      clearTimeout(timer)
      request.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone)
      finish()
    }
    const onData = (chunk: Buffer) => {
      if (sink.take(chunk)) return
      request.pause()
      stop(() => reject(tooLarge(maxBytes)))
    }
    const onEnd = () => {
      const body = sink.finish()
      stop(() => (body.length === 0 ? reject(empty()) : resolve(body)))
    }
    const onGone = () =>
      stop(() => reject(new SluiceError('client_gone', 'the sender left in the middle of the body')))
    const timer = setTimeout(() => {
      request.pause()
      stop(() =>
        reject(
          new SluiceError('slow_request', `the body did not arrive within timeout (${timeoutMs / 1000} s)`),
        ),
      )
    }, timeoutMs)
    request.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone)
  })
}

interface Sink {
  /** False where the chunk goes beyond the limit. */
  take(chunk: Buffer): boolean
  finish(): Uint8Array<ArrayBuffer>
}

function sized(length: number): Sink {
  const body = new Uint8Array(length)
  let at = 0
  return {
    take(chunk) {
      body.set(chunk, at)
      at += chunk.length
      // Node makes a copy of each piece for whoever reads it, which is us.
      release(chunk)
      return true
    },
    finish: () => body,
  }
}

/** Gathers in one piece of memory: pieces of one byte, each kept for itself, would take some 250 times as much. */
function chunked(maxBytes: number): Sink {
  let body = new Uint8Array(Math.min(maxBytes, FIRST_BYTES))
  let length = 0
  return {
    take(chunk) {
      const end = length + chunk.length
      if (end > maxBytes) return false
      if (end > body.length) {
        body = new Uint8Array(body.buffer.transfer(Math.min(maxBytes, Math.max(end, 2 * body.length))))
      }
      body.set(chunk, length)
      length = end
      release(chunk)
      return true
    },
    finish: () => new Uint8Array(body.buffer.transfer(length)),
  }
}

const FIRST_BYTES = 65_536

function tooLarge(maxBytes: number, length?: number): SluiceError {
  const found = length === undefined ? 'the body is longer' : `${length.toLocaleString('en-US')} bytes`
  return new SluiceError(
    'body_too_large',
    `${found}, limits.max_body is ${maxBytes.toLocaleString('en-US')} bytes`,
  )
}

function empty(): SluiceError {
  return new SluiceError('body_empty', 'the body is empty')
}
