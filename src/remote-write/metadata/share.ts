/** Metadata entries as a share of one tenant: a WriteRequest of 1.0 with nothing else in it. */
import protobuf from 'protobufjs/minimal.js'
import type { TenantId } from '../../tenant.ts'
import { concat } from '../../wire/protobuf.ts'
import { encodeSnappy } from '../../wire/snappy.ts'
import type { Compression, Family, Share } from '../split.ts'

export interface MetadataBody {
  readonly body: Uint8Array
  readonly decodedBytes: number
  readonly metadata: number
}

/** Borrows the records. */
export function bodyOf(records: readonly Uint8Array[], compression: Compression): MetadataBody {
  const message = concat(records, Number.POSITIVE_INFINITY) as Uint8Array
  return {
    body: encodeSnappy(message, compression),
    decodedBytes: message.length,
    metadata: records.length,
  }
}

/**
 * `ha`: of the tenant's series in the same push, so that they leave together. Stores look for replicas in series only, so
 * metadata alone is never taken for a duplicate.
 */
export function shareOf(tenant: TenantId, body: MetadataBody, ha: readonly string[]): Share {
  return {
    tenant,
    kind: 'metadata',
    protocol: '1.0',
    ...body,
    ha,
    alone: false,
    series: 0,
    samples: 0,
    histograms: 0,
    exemplars: 0,
  }
}

/** A record of `WriteRequest.metadata`. */
export function recordOf({ name, type, help, unit }: Family): Uint8Array {
  const writer = protobuf.Writer.create().uint32(METADATA).fork()
  if (type !== 0) writer.uint32(TYPE).uint32(type)
  writer.uint32(FAMILY_NAME).string(name)
  if (help !== '') writer.uint32(HELP).string(help)
  if (unit !== '') writer.uint32(UNIT).string(unit)
  return writer.ldelim().finish()
}

// Tags: number and wire type.
const METADATA = 0x1a
const TYPE = 0x08
const FAMILY_NAME = 0x12
const HELP = 0x22
const UNIT = 0x2a
