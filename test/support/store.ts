import { NO_CREDENTIALS } from '../../src/upstream/credentials.ts'
import { Store, type StoreOptions } from '../../src/upstream/store.ts'

/** A way to the store at `origin`, without TLS and credentials. Whoever starts it disposes it. */
export function storeAt(origin: string, over: Partial<StoreOptions> = {}): Store {
  return new Store({
    origin,
    pathParts: ['/api/v1/push'],
    carrier: { kind: 'header', name: 'X-Scope-OrgID' },
    constant: [],
    forwarded: new Set(),
    credentials: NO_CREDENTIALS,
    ca: () => undefined,
    timeoutMs: 5000,
    maxConnectionDurationMs: 0,
    ipv6: false,
    userAgent: 'Sluice/1.2.3',
    ...over,
  })
}
