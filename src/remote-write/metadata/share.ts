/** Metadata entries as a share of one tenant: a WriteRequest of 1.0 with nothing else in it. */

import type { TenantId } from '../../tenant.ts'
import { concat, lengthField, varintBytes } from '../../wire/protobuf.ts'
import { storeSnappy } from '../../wire/snappy.ts'
import { mergeKeyOf } from '../merge.ts'
import type { Family, SplitShare } from '../split.ts'

export interface MetadataBody {
  readonly body: Uint8Array
  readonly decodedBytes: number
  readonly metadata: number
}

/** Borrows the records. `compress` takes a block of literals and gives a shorter one; without it, it stays as it is. */
export function bodyOf(
  records: readonly Uint8Array[],
  compress?: (block: Uint8Array) => Uint8Array,
): MetadataBody {
  const message = joined(records)
  return {
    body: compress?.(storeSnappy(message)) ?? storeSnappy(message),
    decodedBytes: message.length,
    metadata: records.length,
  }
}

/**
 * `ha`: of the tenant's series in the same push, so that they leave together. Stores look for replicas in series only, so
 * metadata alone is never taken for a duplicate.
 */
export function shareOf(
  tenant: TenantId,
  { body, decodedBytes, metadata }: MetadataBody,
  ha: readonly string[],
): SplitShare {
  return {
    tenant,
    kind: 'metadata',
    protocol: '1.0',
    body,
    decodedBytes,
    mergeKey: mergeKeyOf({ protocol: '1.0', ha }),
    ha,
    alone: false,
    entries: 0,
    series: 0,
    samples: 0,
    histograms: 0,
    exemplars: 0,
    metadata,
  }
}

/** A record of `WriteRequest.metadata`. */
export function recordOf({ name, type, help, unit }: Family): Uint8Array {
  const fields: (readonly Uint8Array[])[] = []
  if (type !== 0) fields.push([Uint8Array.of(TYPE_TAG), varintBytes(type)])
  fields.push(lengthField(FAMILY_NAME, Buffer.from(name)))
  if (help !== '') fields.push(lengthField(HELP, Buffer.from(help)))
  if (unit !== '') fields.push(lengthField(UNIT, Buffer.from(unit)))
  return joined(lengthField(METADATA, joined(fields.flat())))
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return concat(pieces, Number.POSITIVE_INFINITY) as Uint8Array
}

const METADATA = 3
const TYPE_TAG = 0x08
const FAMILY_NAME = 2
const HELP = 4
const UNIT = 5
