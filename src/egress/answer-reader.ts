/**
 * Reads one answer of HTTP/1.1 as its bytes come (RFC 9112). Of what the RFC leaves to a reader's kindness it takes
 * nothing: lines end with CRLF, a field stands in one line, a length is said once. What is not understood is an error,
 * which costs the connection and no more than that.
 *
 *     head ─▶ (1xx: head again) ─▶ nothing · so many bytes · chunks and trailers · all until the connection ends
 */
export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>

/** Who hears an answer. */
export interface AnswerListener {
  /** Names are in lower case; of a field that is repeated there are all values. */
  head(status: number, headers: AnswerHeaders): void
  /** Borrowed for the call. */
  data(bytes: Buffer): void
  /** `reusable`: whether another request may follow on this connection. */
  end(reusable: boolean): void
}

/** As Node bounds the heads that it reads. */
const MAX_HEAD_BYTES = 16_384
/** Of a chunk's size line, and of all trailers together. */
const MAX_LINE_BYTES = 4_096

type State = 'head' | 'counted' | 'until close' | 'chunk size' | 'chunk' | 'chunk end' | 'trailers' | 'done'

export class AnswerReader {
  readonly #listener: AnswerListener
  #state: State = 'head'
  /** What has come of a head or a line that is not complete yet. */
  #text = ''
  /** Bytes to come of a counted body or a chunk; of trailers, bytes that may come. */
  #left = 0
  #keepsAlive = false
  /** Where reading stands in the piece that is being read. */
  #at = 0

  constructor(listener: AnswerListener) {
    this.#listener = listener
  }

  /** Nothing more is told. */
  stop(): void {
    this.#state = 'done'
  }

  /** Borrows `bytes`. Throws where they are no answer. */
  read(bytes: Buffer): void {
    this.#at = 0
    while (this.#at < bytes.length && this.#state !== 'done') this.#step(bytes)
  }

  /** The other side has said all that it will. Throws where that is no whole answer. */
  finish(): void {
    if (this.#state === 'done') return
    if (this.#state !== 'until close') throw new Error('other side closed')
    this.#end(false)
  }

  #step(bytes: Buffer): void {
    switch (this.#state) {
      case 'head': {
        const head = this.#upTo('\r\n\r\n', bytes, MAX_HEAD_BYTES)
        if (head !== undefined) this.#readHead(head, bytes)
        return
      }
      case 'counted':
      case 'chunk': {
        const from = this.#at
        this.#at = Math.min(bytes.length, from + this.#left)
        this.#left -= this.#at - from
        this.#listener.data(bytes.subarray(from, this.#at))
        if (this.#left > 0) return
        if (this.#state === 'chunk') this.#state = 'chunk end'
        else if (this.#state === 'counted') this.#end(this.#at === bytes.length)
        return
      }
      case 'until close':
        this.#listener.data(bytes.subarray(this.#at))
        this.#at = bytes.length
        return
      case 'chunk end':
        if (this.#upTo('\r\n', bytes, 0) !== undefined) this.#state = 'chunk size'
        return
      case 'chunk size': {
        const line = this.#upTo('\r\n', bytes, MAX_LINE_BYTES)
        if (line === undefined) return
        const size = /^([0-9A-Fa-f]{1,8})(?:[ \t]*;.*)?$/.exec(line)?.[1]
        if (size === undefined) throw malformed('a chunk does not say its size')
        this.#left = Number.parseInt(size, 16)
        this.#state = 'chunk'
        if (this.#left > 0) return
        this.#state = 'trailers'
        this.#left = MAX_LINE_BYTES
        return
      }
      case 'trailers': {
        // Nobody asks for what they say.
        const line = this.#upTo('\r\n', bytes, this.#left)
        if (line === undefined) return
        this.#left -= line.length
        if (line === '') this.#end(this.#at === bytes.length)
      }
    }
  }

  /** Text up to `mark`, which is read and left out; undefined while there is more to come. */
  #upTo(mark: string, bytes: Buffer, max: number): string | undefined {
    const before = this.#text.length
    // The common case is a whole answer without a body, and it is short.
    const text = this.#text + bytes.toString('latin1', this.#at, this.#at + max + mark.length)
    const found = text.indexOf(mark, Math.max(0, before - mark.length + 1))
    if (found > max || (found < 0 && text.length >= max + mark.length)) {
      throw malformed('a part of it does not end')
    }
    if (found < 0) {
      this.#text = text
      this.#at = bytes.length
      return undefined
    }
    this.#text = ''
    this.#at += found + mark.length - before
    return text.slice(0, found)
  }

  #readHead(head: string, bytes: Buffer): void {
    const [first = '', ...lines] = head.split('\r\n')
    const [, minor, code] = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [^\0\r\n]*)?$/.exec(first) ?? []
    if (code === undefined) throw malformed('no status line')
    const status = Number(code)
    const headers = readFields(lines)
    if (status < 200) {
      if (status === 101) throw malformed('another protocol')
      return
    }
    const connection = list(headers.connection)
    this.#keepsAlive = minor === '1' ? !connection.includes('close') : connection.includes('keep-alive')
    this.#state = this.#bodyOf(status, minor === '1', headers)
    const empty = this.#state === 'done'
    this.#listener.head(status, headers)
    if (empty) this.#listener.end(this.#keepsAlive && this.#at === bytes.length)
  }

  /** How the body is delimited; `done` where there is none. RFC 9112, 6.3. */
  #bodyOf(status: number, chunks: boolean, headers: AnswerHeaders): State {
    if (status === 204 || status === 304) return 'done'
    const { 'transfer-encoding': encoding, 'content-length': length } = headers
    if (encoding !== undefined) {
      if (!chunks || length !== undefined || String(encoding).toLowerCase() !== 'chunked') {
        throw malformed('a transfer encoding that can’t be read')
      }
      return 'chunk size'
    }
    if (length === undefined) return 'until close'
    if (typeof length !== 'string' || !/^\d{1,15}$/.test(length)) throw malformed('no length')
    this.#left = Number(length)
    return this.#left === 0 ? 'done' : 'counted'
  }

  #end(reusable: boolean): void {
    this.#state = 'done'
    this.#listener.end(reusable && this.#keepsAlive)
  }
}

function readFields(lines: readonly string[]): AnswerHeaders {
  const fields: Record<string, string | string[]> = Object.create(null) as Record<string, never>
  for (const line of lines) {
    const [, name, value] = FIELD.exec(line) ?? []
    if (name === undefined || value === undefined) throw malformed('no header field')
    const key = name.toLowerCase()
    const before = fields[key]
    const text = value.trim()
    fields[key] = before === undefined ? text : [before, text].flat()
  }
  return fields
}

/** RFC 9110, 5.1 and 5.5. A line that begins with a blank would go on from the one before, which nobody may send any more. */
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([^\0\r\n]*)$/

/** The members of a list field, in lower case. */
const list = (value: string | string[] | undefined): readonly string[] =>
  value === undefined
    ? []
    : String(value)
        .toLowerCase()
        .split(',')
        .map(member => member.trim())

const malformed = (what: string) => new Error(`not an answer of HTTP/1.1: ${what}`)
