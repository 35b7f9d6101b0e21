/**
 * The server's certificate, followed while it changes: cert-manager and the kubelet replace files under a running
 * process. Polled, because a mounted secret changes by renaming a directory, which file watchers miss.
 */
import { readFileSync } from 'node:fs'
import type { Server } from 'node:https'
import { createSecureContext } from 'node:tls'
import { every } from '../clock.ts'

export interface Certificate {
  readonly cert: string
  readonly key: string
}

export function readCertificate(files: { certFile: string; keyFile: string }): Certificate {
  const certificate = { cert: readFileSync(files.certFile, 'utf8'), key: readFileSync(files.keyFile, 'utf8') }
  createSecureContext(certificate) // throws where the two do not belong together
  return certificate
}

export interface FollowOptions {
  readonly server: Server
  /** Undefined where the configuration names none any more, which holds from the next start on. */
  readonly read: () => Certificate | undefined
  readonly changed: () => void
  /** A half-written pair fails here and is tried again; the old certificate goes on serving. */
  readonly failed: (error: unknown) => void
  readonly intervalMs: number
}

export interface FollowedCertificate extends Disposable {
  /** Looks now, beside its intervals. */
  look(): void
}

/** Until it is disposed. */
export function followCertificate(current: Certificate, options: FollowOptions): FollowedCertificate {
  const { server, read, changed, failed, intervalMs } = options
  let serving = current
  const look = () => {
    try {
      const next = read()
      if (next === undefined || (next.cert === serving.cert && next.key === serving.key)) return
      server.setSecureContext(next)
      serving = next
      changed()
    } catch (error) {
      failed(error)
    }
  }
  const watch = every(intervalMs, look)
  return { look, [Symbol.dispose]: () => watch[Symbol.dispose]() }
}
