/**
 * One connection to the store, with one request at a time: written in one piece, from memory that is used again for the
 * next, because a store sees thousands of small requests a second. Anything odd ends the connection: bytes that nobody
 * asked for, an answer before the request was written, an answer that is not understood.
 */
import type { Socket } from 'node:net'
import { type AnswerHeaders, AnswerReader } from './answer-reader.ts'

/** Who made a request, and hears what becomes of it: in the end either `ended` or `failed`, once. */
export interface Requester {
  /** The request is being written. Whoever asked may end it from now on with `connection.abort`. */
  started(connection: Connection): void
  answered(status: number, headers: AnswerHeaders): void
  /** Borrowed for the call. */
  data(bytes: Buffer): void
  ended(): void
  failed(error: Error): void
}

export interface Request {
  /** All of the head but its last two lines, which are Content-Length and the empty one. */
  readonly head: string
  /** Borrowed until the request has ended or failed. */
  readonly body: Uint8Array
}

/** Told when it may take the next request, and when it is gone. */
interface Owner {
  idle(connection: Connection): void
  gone(connection: Connection): void
}

/** Makes a socket whose bytes go to `read`, borrowed for the call; `ready` is the event after which it may be written to. */
export type Dial = (read: (bytes: Buffer) => void) => {
  readonly socket: Socket
  readonly ready: 'connect' | 'secureConnect'
}

/** Requests up to this are copied into one piece; above it, two writes cost less than the copy. */
const MAX_PIECE_BYTES = 65_536
const MIN_PIECE_BYTES = 4_096
/** How long an idle connection is kept where the store does not say it; many close theirs after five seconds. */
const IDLE_MS = 4_000
/** It is ended so much before the store would do it, or else a request would meet the store's end of it. */
const BEFORE_STORE_MS = 2_000

export class Connection {
  readonly openedAt: number
  /** When it is to be ended if no request comes. */
  idleUntil = 0
  readonly #owner: Owner
  readonly #socket: Socket
  readonly #timer: NodeJS.Timeout
  #ready = false
  #over = false
  #requester: Requester | undefined
  /** What is to be written as soon as it is connected. */
  #request: Request | undefined
  #reader: AnswerReader | undefined
  #error: Error | undefined
  #piece: Buffer | undefined
  #idleMs = IDLE_MS

  constructor(dial: Dial, owner: Owner, timeoutMs: number) {
    this.openedAt = performance.now()
    this.#owner = owner
    const { socket, ready } = dial(bytes => this.#read(bytes))
    this.#socket = socket
    this.#timer = setTimeout(() => this.abort(new Error('no connection within timeout')), timeoutMs)
    socket.once(ready, () => this.#onReady())
    socket.on('error', error => {
      this.#error ??= error
    })
    socket.on('end', () => this.#onEnd())
    socket.on('close', () => this.#onClose())
  }

  /** Whether it may take a request. */
  get usable(): boolean {
    return !this.#over && this.#requester === undefined
  }

  /** Takes a request while it has none. */
  send(request: Request, requester: Requester): void {
    if (this.#requester !== undefined) throw new Error('BUG: a connection is given a second request')
    this.#requester = requester
    this.#request = request
    if (this.#ready) this.#write()
  }

  /** Ends the request, and the connection with it; `failed` is told. */
  abort(error: Error): void {
    this.#error ??= error
    this.destroy()
  }

  destroy(): void {
    this.#over = true
    this.#reader?.stop()
    this.#socket.destroy()
  }

  #onReady(): void {
    this.#ready = true
    clearTimeout(this.#timer)
    if (this.#requester !== undefined) this.#write()
  }

  #write(): void {
    const { head, body } = this.#request as Request
    const requester = this.#requester as Requester
    this.#request = undefined
    this.#reader = new AnswerReader({
      head: (status, headers) => this.#onHead(status, headers),
      data: bytes => requester.data(bytes),
      end: reusable => this.#onAnswer(reusable),
    })
    requester.started(this)
    if (this.#over) return
    const whole = `${head}content-length: ${body.length}\r\n\r\n`
    if (whole.length + body.length > MAX_PIECE_BYTES) {
      this.#socket.cork()
      this.#socket.write(whole, 'latin1')
      this.#socket.write(body)
      this.#socket.uncork()
      return
    }
    const piece = this.#pieceOf(whole.length + body.length)
    piece.write(whole, 'latin1')
    piece.set(body, whole.length)
    this.#socket.write(piece.subarray(0, whole.length + body.length))
  }

  /** Nothing of the last request is unwritten, or this connection would not be here any more. */
  #pieceOf(length: number): Buffer {
    if (this.#piece === undefined || this.#piece.length < length) {
      let bytes = MIN_PIECE_BYTES
      while (bytes < length) bytes *= 2
      this.#piece = Buffer.allocUnsafeSlow(bytes)
    }
    return this.#piece
  }

  #read(bytes: Buffer): void {
    if (this.#reader === undefined) {
      this.abort(new Error('the store sent what nobody asked for'))
      return
    }
    try {
      this.#reader.read(bytes)
    } catch (error) {
      this.abort(error as Error)
    }
  }

  #onHead(status: number, headers: AnswerHeaders): void {
    const hint = /(?:^|[,\s])timeout=(\d{1,9})/.exec(String(headers['keep-alive'] ?? ''))?.[1]
    this.#idleMs = hint === undefined ? IDLE_MS : Number(hint) * 1000 - BEFORE_STORE_MS
    this.#requester?.answered(status, headers)
  }

  #onAnswer(reusable: boolean): void {
    const requester = this.#requester as Requester
    this.#requester = undefined
    this.#reader = undefined
    // An answer before all was written: what is left of the request must not go on.
    const written = this.#socket.writableLength === 0
    if (reusable && written && this.#idleMs > 0 && !this.#over) {
      this.idleUntil = performance.now() + this.#idleMs
      this.#owner.idle(this)
    } else this.destroy()
    requester.ended()
  }

  #onEnd(): void {
    try {
      this.#reader?.finish()
    } catch (error) {
      this.#error ??= error as Error
    }
    this.destroy()
  }

  #onClose(): void {
    this.#over = true
    clearTimeout(this.#timer)
    this.#owner.gone(this)
    const requester = this.#requester
    this.#requester = undefined
    requester?.failed(this.#error ?? new Error('other side closed'))
  }
}
