/**
 * The store of the load: takes any POST, counts requests and bytes, answers 200 after its latency; to 2.0 with what it
 * has written, which it must look into the body for. A process of its own on raw sockets, because it shares the machine
 * with what is measured and must cost little.
 */
import { createServer, type Socket } from 'node:net'
import { answerCalls, childOptions } from '../../test/support/child.ts'
import { writtenBy, writtenHeaders } from './written.ts'

export interface StoreOptions {
  readonly latencyMs: number
  /** What it can take in; requests queue up beyond that. 0 is no bound. */
  readonly bytesPerSecond: number
}

export type StoreCall = 'port' | 'reset' | 'read'

/** All since the last `reset`. */
export interface StoreCounts {
  readonly port: number
  readonly requests: number
  /** How many of them were 2.0. */
  readonly requests20: number
  readonly bytes: number
  readonly connections: number
}

const ANSWER = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
const UNREADABLE = Buffer.from(
  'HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
)
const UNKNOWN = Buffer.from('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')

const { latencyMs, bytesPerSecond } = childOptions<StoreOptions>()
const counts = { requests: 0, requests20: 0, bytes: 0, connections: 0 }
let busyUntil = 0

const server = createServer({ noDelay: true }, serve)
server.listen(0, '127.0.0.1', 4_096, () => {
  answerCalls<StoreCall, StoreCounts>(call => {
    const read = { port: (server.address() as { port: number }).port, ...counts }
    if (call === 'reset') Object.assign(counts, { requests: 0, requests20: 0, bytes: 0 })
    return read
  })
})

function serve(socket: Socket): void {
  counts.connections++
  let head = ''
  let bodyLeft = 0
  let bodyLength = 0
  /** Of a 2.0 request. */
  let parts: Buffer[] | undefined
  socket.on('error', () => {})
  socket.on('close', () => counts.connections--)
  socket.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; ) {
      if (bodyLeft > 0) {
        const part = Math.min(bodyLeft, chunk.length - at)
        parts?.push(chunk.subarray(at, at + part))
        bodyLeft -= part
        at += part
      } else {
        const end = headEnd(chunk, at, head)
        head += chunk.toString('latin1', at, end)
        at = end
        if (!head.endsWith('\r\n\r\n')) continue
        const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
        if (length === undefined) return void socket.end(UNREADABLE)
        bodyLeft = bodyLength = Number(length)
        parts = /\r\ncontent-type: *[^\r]*write\.v2/i.test(head) ? [] : undefined
        head = ''
      }
      if (bodyLeft === 0 && head === '') answer(socket, bodyLength, parts)
    }
  })
}

/** Where the head ends within `chunk`, or its length. `before` is what earlier chunks held of this head. */
function headEnd(chunk: Buffer, at: number, before: string): number {
  if (before !== '') {
    // The empty line may be cut by the chunk border; go byte by byte until it is complete. Rare.
    for (let end = at + 1; end <= chunk.length; end++)
      if ((before.slice(-3) + chunk.toString('latin1', at, end)).endsWith('\r\n\r\n')) return end
    return chunk.length
  }
  const found = chunk.indexOf('\r\n\r\n', at)
  return found < 0 ? chunk.length : found + 4
}

function answer(socket: Socket, bytes: number, parts: readonly Buffer[] | undefined): void {
  counts.requests++
  counts.bytes += bytes
  const answer = parts === undefined ? ANSWER : answer20(Buffer.concat(parts))
  const wait = latencyMs + queueing(bytes)
  if (wait === 0) socket.write(answer)
  else setTimeout(() => socket.writable && socket.write(answer), wait)
}

function answer20(body: Buffer): Buffer | string {
  counts.requests20++
  try {
    const lines = Object.entries(writtenHeaders(writtenBy(body))).map(it => it.join(': '))
    return `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${lines.join('\r\n')}\r\n\r\n`
  } catch {
    return UNKNOWN
  }
}

/** Milliseconds until a store that works at `bytesPerSecond` has worked off all it was given. */
function queueing(bytes: number): number {
  if (bytesPerSecond === 0) return 0
  const now = performance.now()
  busyUntil = Math.max(now, busyUntil) + (bytes / bytesPerSecond) * 1_000
  return Math.ceil(busyUntil - now)
}
