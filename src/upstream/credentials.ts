/** Who we are to a store. */
import type { Secret } from '../schema/secret.ts'

export interface EgressCredentials {
  /** Names and values in turn; the same array until it changes, so that a lane sees by identity that its head is stale. */
  headers(): readonly string[]
  /** The store answered 401 to them. */
  refused(): void
}

const NONE: readonly string[] = []

export const NO_CREDENTIALS: EgressCredentials = { headers: () => NONE, refused: () => {} }

/** A password as it is now: a followed file's may be another one the next time. */
export type Password = Secret | { readonly text: string }

export class BasicCredentials implements EgressCredentials {
  readonly refused: () => void
  readonly #username: string
  readonly #password: Password
  /** The password that `#headers` holds. */
  #text: string | undefined
  #headers: readonly string[] = NONE

  constructor(username: string, password: Password, refused: () => void = () => {}) {
    this.#username = username
    this.#password = password
    this.refused = refused
  }

  headers(): readonly string[] {
    const password = this.#password
    const text = 'reveal' in password ? password.reveal() : password.text
    if (text !== this.#text) {
      this.#text = text
      this.#headers = [
        'authorization',
        `Basic ${Buffer.from(`${this.#username}:${text}`).toString('base64')}`,
      ]
    }
    return this.#headers
  }
}
