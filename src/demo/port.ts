import { createServer } from 'node:net'

/** Returns `preferred` where nobody listens on it, else 0, which takes a free one. */
export function preferredPort(host: string, preferred: number): Promise<number> {
  return new Promise(resolve => {
    const probe = createServer()
    probe.once('error', () => resolve(0))
    probe.listen({ host, port: preferred, exclusive: true }, () => probe.close(() => resolve(preferred)))
  })
}
