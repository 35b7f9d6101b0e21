/** Where the demo's table is shown: redrawn in place on a terminal, printed now and then elsewhere. */
import { Writable } from 'node:stream'
import { styleText } from 'node:util'

/** What the demo needs of `process.stdout`. */
export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

/** A stream of lines that may be those of a terminal. */
export type LogStream = Writable & { readonly isTTY: boolean }

export class Screen {
  /** Lines written here stay, above the block. */
  readonly log: LogStream
  readonly #output: Output
  #lines: readonly string[] = []
  /** As wide as the terminal was then. */
  #columns: number | undefined
  /** Lines of the block that stands above the cursor now. */
  #drawn = 0

  constructor(output: Output) {
    this.#output = output
    const log = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.print(chunk.toString())
        done()
      },
    })
    this.log = Object.assign(log, { isTTY: this.redraws })
  }

  get redraws(): boolean {
    return this.#output.isTTY === true
  }

  /** How tall a block may be. The top of a taller one would have scrolled away when it is drawn again. */
  get height(): number {
    return this.redraws ? Math.max(8, (this.#output.rows ?? 24) - 1) : 60
  }

  /** Text that stays, above the block. It ends with a line break. */
  print(text: string): void {
    const block = this.#drawn > 0 ? this.#lines : undefined
    this.#output.write(this.#erase() + text)
    if (block !== undefined) this.draw(block)
  }

  /** Replaces what was drawn before; the first line is the heading. */
  draw(lines: readonly string[]): void {
    const width = this.redraws ? (this.#output.columns ?? 80) - 1 : Number.POSITIVE_INFINITY
    const cut = lines.map(line => (line.length > width ? `${line.slice(0, Math.max(0, width - 1))}…` : line))
    const styled = cut.map((line, i) => (i === 0 && this.redraws ? styleText('bold', line) : line))
    this.#output.write(`${this.#erase()}${styled.join('\n')}\n`)
    this.#drawn = this.redraws ? lines.length : 0
    this.#lines = lines
    this.#columns = this.#output.columns
  }

  /** Leaves what is drawn where it is; what is printed from now on follows it. */
  end(): void {
    this.#drawn = 0
  }

  /** Up to the first line of the block, and clear from there. After a resize nobody knows where that line is. */
  #erase(): string {
    const known = this.#drawn > 0 && this.#output.columns === this.#columns
    const up = known ? `\x1b[${this.#drawn}A\r\x1b[J` : ''
    this.#drawn = 0
    return up
  }
}
