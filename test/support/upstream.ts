import { Upstream, type UpstreamOptions } from '../../src/upstream/upstream.ts'

/** A way to the store at `origin`, without TLS and credentials. Whoever starts it destroys it. */
export function upstreamTo(origin: string, over: Partial<UpstreamOptions> = {}): Upstream {
  return new Upstream({
    target: { origin, pathParts: ['/api/v1/push'] },
    tenantHeader: 'X-Scope-OrgID',
    username: '',
    password: undefined,
    ca: undefined,
    timeoutMs: 5000,
    maxConnectionDurationMs: 0,
    ipv6: false,
    userAgent: 'Sluice/1.2.3',
    ...over,
  })
}
