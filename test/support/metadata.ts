/** Metadata entries of a share or a request, by the published schema. */

import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'
import { unsnappy } from './decode.ts'

const WriteRequest = protobuf
  .loadSync(fileURLToPath(new URL('../../proto/write_request.proto', import.meta.url)))
  .lookupType('prometheus.WriteRequest')

export interface Entry {
  readonly type: number
  readonly metricFamilyName: string
  readonly help: string
  readonly unit: string
}

/** All that the entries say, in their order. */
export function entriesOf({ body }: { readonly body: Uint8Array }): Entry[] {
  const { metadata } = WriteRequest.decode(unsnappy(body)) as unknown as { metadata: readonly Entry[] }
  return metadata.map(({ metricFamilyName, help, type, unit }) => ({ type, metricFamilyName, help, unit }))
}

/** `family help`, or `family help type unit` where there is a unit. */
export function metadataOf(request: { readonly body: Uint8Array }): string[] {
  return entriesOf(request).map(({ metricFamilyName, help, type, unit }) => {
    return unit === '' ? `${metricFamilyName} ${help}` : `${metricFamilyName} ${help} ${type} ${unit}`
  })
}
