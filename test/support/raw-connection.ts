/** A connection on which a test writes exactly the bytes it wants, and reads what comes back. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  readonly status: number
  /** As they came, names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export class RawConnection {
  readonly #socket: Socket
  #received = ''
  #ended = false
  #wake = () => {}

  static async open(url: URL): Promise<RawConnection> {
    const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true })
    await once(socket, 'connect')
    return new RawConnection(socket)
  }

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.#received += text
      this.#wake()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#ended = true
      this.#wake()
    })
  }

  /** Text goes out as latin1. */
  send(...parts: readonly (string | Uint8Array)[]): void {
    for (const part of parts)
      this.#socket.write(typeof part === 'string' ? Buffer.from(part, 'latin1') : part)
  }

  /** The next answer; an interim one (1xx) counts. Rejects where the connection ends without. */
  async answer(): Promise<RawAnswer> {
    for (;;) {
      const answer = this.#parse()
      if (answer !== undefined) return answer
      if (this.#ended) throw new Error(`the connection ended after ${JSON.stringify(this.#received)}`)
      await this.#event()
    }
  }

  /** Resolves when the other side has closed; with what came that was no answer asked for. */
  async end(): Promise<string> {
    while (!this.#ended) await this.#event()
    return this.#received
  }

  /** Whether anything came that was not asked for yet. */
  get silent(): boolean {
    return this.#received === ''
  }

  destroy(): void {
    this.#socket.destroy()
  }

  reset(): void {
    this.#socket.resetAndDestroy()
  }

  #parse(): RawAnswer | undefined {
    const end = this.#received.indexOf('\r\n\r\n')
    if (end < 0) return undefined
    const [first = '', ...lines] = this.#received.slice(0, end).split('\r\n')
    const headers = Object.fromEntries(
      lines.map(line => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
      }),
    )
    const length = Number(headers['content-length'] ?? 0)
    const body = this.#received.slice(end + 4, end + 4 + length)
    if (body.length < length) return undefined
    this.#received = this.#received.slice(end + 4 + length)
    return { status: Number(first.slice(9, 12)), headers, body }
  }

  #event(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }
}
