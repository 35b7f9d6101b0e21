/**
 * A file that the configuration names, whose content may change under a running process: the kubelet and secret managers
 * rotate what they mount. Read as a whole each time, because a mounted secret changes by renaming a directory, which file
 * watchers miss.
 */
import { readFile } from 'node:fs/promises'

export interface FollowedFileOptions {
  readonly path: string
  /** The configuration key that named it. */
  readonly key: string
  /** As it was read first. */
  readonly content: string
  readonly read?: (path: string) => Promise<string>
}

export class FollowedFile {
  readonly path: string
  readonly key: string
  readonly #read: (path: string) => Promise<string>
  #text: string

  constructor({ path, key, content, read = file => readFile(file, 'utf8') }: FollowedFileOptions) {
    this.path = path
    this.key = key
    this.#read = read
    this.#text = withoutNewline(content)
  }

  /** The current content, without one newline at its end. May be a secret: it is in no message and no listing. */
  get text(): string {
    return this.#text
  }

  /**
   * Reads it again; resolves with whether the text changed. Where it can't be read or is empty (it may be half written),
   * the text stays as it was, and it rejects with an Error that names key and file, never the content.
   */
  async refresh(): Promise<boolean> {
    let text: string
    try {
      text = withoutNewline(await this.#read(this.path))
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? cause.code : 'error'
      throw new Error(`${this.key}: ${this.path} can’t be read (${code})`, { cause })
    }
    if (text === '') throw new Error(`${this.key}: ${this.path} is empty`)
    if (text === this.#text) return false
    this.#text = text
    return true
  }
}

function withoutNewline(content: string): string {
  return content.replace(/\r?\n$/, '')
}
