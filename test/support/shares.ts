/** Shares for what never looks inside them. */
import { Sender } from '../../src/lanes/quarantine.ts'
import type { PushContext } from '../../src/lanes/shipment.ts'
import type { Share } from '../../src/remote-write/split.ts'
import type { TenantId } from '../../src/tenant.ts'
import { compressed } from './stage.ts'

/** A share that says it has one series; its message may be anything. */
export function share(
  tenant: string,
  message: Uint8Array = new Uint8Array(1),
  changes: Partial<Share> = {},
): Share {
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
    sender: new Sender(),
    headers: {},
    forwarded: '',
    deadline: Number.POSITIVE_INFINITY,
    ...changes,
  }
}
