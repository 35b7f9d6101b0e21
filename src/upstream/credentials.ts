/** Basic authentication towards the store, with a password that may change meanwhile. */
import { FollowedFile } from '../config/followed-file.ts'
import type { Secret } from '../config/secret.ts'

const NONE: readonly string[] = []

export class Credentials {
  readonly #username: string
  readonly #password: Secret | FollowedFile | undefined
  /** The password that `#headers` holds. */
  #text: string | undefined
  #headers: readonly string[] = NONE

  constructor(username: string, password: Secret | FollowedFile | undefined) {
    this.#username = username
    this.#password = password
  }

  /** Name and value, or nothing; the same array as long as the password is the same, so that identity tells a change. */
  get headers(): readonly string[] {
    const password = this.#password
    if (password === undefined) return NONE
    const text = password instanceof FollowedFile ? password.text : password.reveal()
    if (text !== this.#text) {
      this.#text = text
      const encoded = Buffer.from(`${this.#username}:${text}`).toString('base64')
      this.#headers = ['authorization', `Basic ${encoded}`]
    }
    return this.#headers
  }
}
