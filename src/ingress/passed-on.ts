/**
 * What of a sender's headers goes on to the store: an allow-list, each checked for form. Credentials and tenant headers
 * never do, unless the configuration names them: whoever may write to us is not by that anybody at the store.
 */
import type { IncomingMessage } from 'node:http'

export interface PassOnOptions {
  /** `Sluice/1.2.3` */
  readonly userAgent: string
  /** Further headers by configuration, in lower case. */
  readonly forwardHeaders: readonly string[]
  /** cortex-tenant's `X-Cortex-Tenant-Client` and `X-Cortex-Tenant-ReqID`. */
  readonly compatibilityHeaders: boolean
  readonly requestId?: () => string
}

export interface PassedOn {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** The configured ones in one text: requests of pushes that differ here are never merged. */
  readonly forwarded: string
}

export function passedOn(request: IncomingMessage, options: PassOnOptions): PassedOn {
  const { headers } = request
  const out: Record<string, string> = { 'user-agent': userAgent(options.userAgent, headers['user-agent']) }

  let forwarded = ''
  for (const name of options.forwardHeaders) {
    const value = headers[name]
    if (typeof value !== 'string') continue
    out[name] = value
    // With its name: after a reload another header may stand at its place.
    forwarded += `${name}:${value}\n`
  }
  // Mimir counts its Retry-After by this number, and the specification asks senders for it.
  const attempt = headers['retry-attempt']
  if (typeof attempt === 'string' && /^\d{1,6}$/.test(attempt)) out['retry-attempt'] = attempt
  // https://www.w3.org/TR/trace-context/#traceparent-header
  const trace = headers.traceparent
  if (typeof trace === 'string' && /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(trace)) {
    out.traceparent = trace
  }
  if (options.compatibilityHeaders) {
    out['x-cortex-tenant-client'] = `${request.socket.remoteAddress}:${request.socket.remotePort}`
    out['x-cortex-tenant-reqid'] = (options.requestId ?? crypto.randomUUID.bind(crypto))()
  }
  return { headers: out, forwarded }
}

function userAgent(ours: string, senders: string | undefined): string {
  if (senders === undefined || !/^[\x20-\x7e]{1,200}$/.test(senders)) return ours
  return `${ours} ${senders}`
}
