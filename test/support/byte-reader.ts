/** Reads a socket in the pieces that a protocol has, and no faster than it is asked. */
import type { Socket } from 'node:net'

/** The other side closed or broke the connection before all of a piece had come. */
export class ConnectionEnded extends Error {}

export class ByteReader {
  readonly #socket: Socket
  #rest: Buffer = Buffer.alloc(0)
  #waiting: (() => void)[] = []

  constructor(socket: Socket) {
    this.#socket = socket
    // A broken connection shows as `close`; without a listener it would end the process.
    socket.on('error', () => {})
    // `readable` also keeps the stream from flowing: bytes that nobody asks for stay with the sender.
    for (const event of ['readable', 'end', 'close']) socket.on(event, () => this.#wake())
  }

  /** Resolves when the other side has closed or broken the connection, as far as that shows without reading on. */
  async ended(): Promise<void> {
    while (!this.#socket.destroyed && !this.#socket.readableEnded) {
      // Lets a waiting end come through. With bytes waiting it would only make another `readable`, for ever.
      if (this.#socket.readableLength === 0) this.#socket.read(0)
      await this.#event()
    }
  }

  /** What comes up to and with `mark`; undefined where the connection ended in good order before its first byte. */
  async until(mark: string): Promise<Buffer | undefined> {
    let from = 0
    for (;;) {
      const found = this.#rest.indexOf(mark, from)
      if (found >= 0) return this.#cut(found + mark.length)
      from = Math.max(0, this.#rest.length - mark.length)
      const more = await this.#more()
      if (more === undefined && this.#rest.length === 0) return undefined
      this.#add(more)
    }
  }

  /** Exactly `length` bytes. */
  async take(length: number): Promise<Buffer> {
    while (this.#rest.length < length) this.#add(await this.#more())
    return this.#cut(length)
  }

  /** Between 1 and `max` bytes, as soon as there are any. */
  async some(max: number): Promise<Buffer> {
    if (this.#rest.length === 0) this.#add(await this.#more())
    return this.#cut(Math.min(max, this.#rest.length))
  }

  #cut(length: number): Buffer {
    const piece = this.#rest.subarray(0, length)
    this.#rest = this.#rest.subarray(length)
    return piece
  }

  #add(bytes: Buffer | undefined): void {
    if (bytes === undefined) throw new ConnectionEnded()
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
  }

  async #more(): Promise<Buffer | undefined> {
    for (;;) {
      const bytes = this.#socket.read() as Buffer | null
      if (bytes !== null) return bytes
      if (this.#socket.readableEnded || this.#socket.destroyed) return undefined
      await this.#event()
    }
  }

  #event(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
