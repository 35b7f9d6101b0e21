/**
 * The heads of all requests for one tenant at one store, made once as long as they are alike. Host and scheme are those of
 * the configuration, whatever the data says; the path is joined of parts and never parsed again.
 */
import type { TenantId } from '../tenant.ts'
import type { EgressCredentials } from './credentials.ts'

export interface HeadOptions {
  /** The path (and query) split at each `{tenant}`. */
  readonly pathParts: readonly string[]
  readonly carrier: TenantCarrier
  /** The configuration's own, names and values in turn. */
  readonly constant: readonly string[]
  readonly credentials: EgressCredentials
  /** `Sluice/1.2.3`, where no sender's own goes along. */
  readonly userAgent: string
}

/** How the store hears the tenant's name, beside the gaps of a path. */
export type TenantCarrier =
  | { readonly kind: 'none' }
  | { readonly kind: 'header'; readonly name: string }
  /** VictoriaMetrics: accountID and projectID, each in a header of its own. */
  | { readonly kind: 'header_pair'; readonly account: string; readonly project: string }

export class Head {
  readonly path: string
  readonly #options: HeadOptions
  /** Names and values in turn. */
  readonly #tenant: readonly string[]
  /** The last list, and what it was made of: nearly all requests are alike, and then nothing is looked up. */
  #list: readonly string[] = []
  #content: readonly string[] | undefined
  #credentials: readonly string[] | undefined

  constructor(tenant: TenantId, options: HeadOptions) {
    // A tenant passed its allow-list, so only bytes that are no path characters (RFC 3986, 3.3) are left to encode.
    this.path = options.pathParts.join(tenant.replace(NOT_PCHAR, encodeURIComponent))
    this.#options = options
    this.#tenant = tenantHeaders(tenant, options.carrier)
  }

  /** Names and values in turn, as undici takes them; last our own user agent, for requests that have none of a sender. */
  headers(content: readonly string[]): readonly string[] {
    const { credentials, constant, userAgent } = this.#options
    const current = credentials.headers()
    if (content !== this.#content || current !== this.#credentials) {
      this.#content = content
      this.#credentials = current
      this.#list = [...content, ...current, ...this.#tenant, ...constant, 'user-agent', userAgent]
    }
    return this.#list
  }
}

function tenantHeaders(tenant: TenantId, carrier: TenantCarrier): readonly string[] {
  if (carrier.kind === 'none') return []
  if (carrier.kind === 'header') return [carrier.name, tenant]
  const [account = '', project = '0'] = tenant.split(':')
  return [carrier.account, account, carrier.project, project]
}

const NOT_PCHAR = /[^A-Za-z0-9\-._~!$&'()*+,;=:@]/g
