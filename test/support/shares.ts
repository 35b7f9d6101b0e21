/** Shares for what never looks inside them. */
import { Sender } from '../../src/egress/sender.ts'
import type { PushContext } from '../../src/egress/shipment.ts'
import type { Share } from '../../src/split/split.ts'
import type { TenantId } from '../../src/tenant.ts'
import { compressed } from './stage.ts'

/** A share of one series, whose message is `text`. */
export function share(tenant: string, text = 'x', changes: Partial<Share> = {}): Share {
  const message = new TextEncoder().encode(text)
  return {
    tenant: tenant as TenantId,
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
    protocol: '1.0',
    sender: new Sender(),
    headers: {},
    forwarded: '',
    deadline: Number.POSITIVE_INFINITY,
    ...changes,
  }
}
