/** A file that a key names: read when the configuration is, and followed from then on. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

/** What should be in it. */
export type FileKind = 'password' | 'authorities' | 'certificate' | 'private key'

/** Why a file can't be used, in our words: those of the system and of OpenSSL name neither key nor file. */
export class FileFault extends Error {
  readonly found: string
  readonly allowed: string

  constructor(key: string, path: string, found: string, allowed: string) {
    super(`${key}: ${path} is ${found}`)
    this.name = 'FileFault'
    this.found = found
    this.allowed = allowed
  }
}

export class FollowedFile {
  readonly key: string
  readonly path: string
  readonly kind: FileKind
  #text: string

  /** `text` is what it holds, if that is known; it is not checked. */
  constructor(key: string, path: string, kind: FileKind, text = '') {
    this.key = key
    this.path = path
    this.kind = kind
    this.#text = text
  }

  /** Reads it now. Throws a FileFault, and keeps the old text, where it can't be used. */
  readNow(read: (path: string) => string = path => readFileSync(path, 'utf8')): void {
    this.#text = this.#checked(() => read(this.path))
  }

  /** What it held when it was last read and could be used, without one newline at its end. */
  get text(): string {
    return this.#text
  }

  /** Reads it again: whether it changed. Throws a FileFault, and keeps the old text, where it can't be used. */
  async refresh(): Promise<boolean> {
    const outcome = await readFile(this.path, 'utf8').catch((error: unknown) => error)
    const text = this.#checked(() => {
      if (typeof outcome === 'string') return outcome
      throw outcome
    })
    if (text === this.#text) return false
    this.#text = text
    return true
  }

  #checked(read: () => string): string {
    const fault = (found: string) => new FileFault(this.key, this.path, found, ALLOWED[this.kind])
    let text: string
    try {
      text = read().replace(/\r?\n$/, '')
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : 'error'
      throw fault(`a file that can't be read (${code})`)
    }
    const found = faultIn(text, this.kind)
    if (found !== undefined) throw fault(found)
    return text
  }
}

const ALLOWED: Readonly<Record<FileKind, string>> = {
  password: 'a readable file with the password',
  authorities: 'a readable PEM file with certificates of authorities',
  certificate: 'a readable PEM file with our certificate chain',
  'private key': 'a readable PEM file with a private key that needs no passphrase',
}

function faultIn(text: string, kind: FileKind): string | undefined {
  if (text === '') return 'an empty file'
  if (text.trim() === '') return 'a file of blanks'
  if (kind === 'password') return undefined
  return kind === 'private key' ? faultInKey(text) : faultInCertificates(text)
}

function faultInKey(text: string): string | undefined {
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    return text.includes(CERTIFICATE) ? 'a certificate' : 'a file without a private key'
  }
  try {
    createPrivateKey(text)
    return undefined
  } catch (error) {
    const locked = error instanceof Error && 'code' in error && error.code === 'ERR_MISSING_PASSPHRASE'
    return locked ? 'a private key with a passphrase' : 'a private key that is broken'
  }
}

function faultInCertificates(text: string): string | undefined {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0) {
    if (text.includes(CERTIFICATE)) return 'a certificate that is cut short'
    return text.includes('PRIVATE KEY-----') ? 'a private key' : 'a file without a certificate'
  }
  const broken = blocks.findIndex(block => !isCertificate(block))
  if (broken < 0) return undefined
  return blocks.length === 1
    ? 'a certificate that is broken'
    : `${blocks.length} certificates of which number ${broken + 1} is broken`
}

function isCertificate(block: string): boolean {
  try {
    return new X509Certificate(block).raw.length > 0
  } catch {
    return false
  }
}

const CERTIFICATE = '-----BEGIN CERTIFICATE-----'

/** Whether a private key is the one of the first certificate in a chain; both were read before. */
export function belongTogether(certificate: FollowedFile, key: FollowedFile): boolean {
  return new X509Certificate(certificate.text).checkPrivateKey(createPrivateKey(key.text))
}
