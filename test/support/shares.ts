/** Shares for what never looks inside them. */
import { Quarantine } from '../../src/lanes/quarantine.ts'
import { type Destination, type PushContext, QueuedShare } from '../../src/lanes/shipment.ts'
import { mergeKeyOf } from '../../src/remote-write/merge.ts'
import type { SplitShare } from '../../src/remote-write/split.ts'
import type { TenantId } from '../../src/tenant.ts'
import { compressed } from './stage.ts'

/** A share that says it has one series; its message may be anything. */
export function share(
  tenant: string,
  message: Uint8Array = new Uint8Array(1),
  changes: Partial<SplitShare> = {},
): SplitShare {
  const { protocol = '1.0', ha = [], series = 1 } = changes
  return {
    tenant: tenant as TenantId,
    kind: 'series',
    protocol,
    body: compressed(message),
    decodedBytes: message.length,
    mergeKey: mergeKeyOf({ protocol, ha }),
    ha,
    alone: false,
    entries: series,
    series,
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
export function queued(tenant: string, changes: Partial<SplitShare> = {}): QueuedShare {
  return new QueuedShare(share(tenant, undefined, changes), NOWHERE, context(), () => {})
}
