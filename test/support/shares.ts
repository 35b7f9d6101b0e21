/** Shares for what never looks inside them. */
import { Quarantine } from '../../src/lanes/quarantine.ts'
import type { Destination, Load, PushContext } from '../../src/lanes/shipment.ts'
import { seal } from '../../src/remote-write/envelope.ts'
import type { SplitShare } from '../../src/remote-write/split.ts'
import type { TenantId } from '../../src/tenant.ts'
import { compressed } from './stage.ts'

/** A share that says it has one series; its message may be anything. */
export function share(
  tenant: string,
  message: Uint8Array = new Uint8Array(1),
  changes: Partial<SplitShare> = {},
): SplitShare {
  return {
    tenant: tenant as TenantId,
    kind: 'series',
    protocol: '1.0',
    body: compressed(message),
    decodedBytes: message.length,
    ha: [],
    alone: false,
    series: 1,
    samples: 1,
    histograms: 0,
    exemplars: 0,
    metadata: 0,
    ...changes,
  }
}

export function context(changes: Partial<PushContext> = {}): PushContext {
  return {
    identity: { quarantine: new Quarantine(), mergeKey: '' },
    headers: {},
    deadline: Number.POSITIVE_INFINITY,
    ...changes,
  }
}

/** A store that nothing arrives at. */
export const NOWHERE: Destination = { name: 'default', id: 'default', push: () => {} }

/** A share on its way there. */
export function load(tenant: string, changes: Partial<SplitShare> = {}): Load {
  const [sealed] = seal([share(tenant, undefined, changes)])
  return { share: sealed as Load['share'], destination: NOWHERE }
}
