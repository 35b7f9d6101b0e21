import { describe, expect, test } from 'vitest'
import { SluiceError } from '../../../src/errors.ts'
import { negotiate } from '../../../src/ingress/negotiate.ts'

const code = (headers: Record<string, string>): string => {
  try {
    negotiate(headers)
    return 'accepted'
  } catch (error) {
    return error instanceof SluiceError ? `${error.status} ${error.code}` : String(error)
  }
}

describe('a Content-Type', () => {
  test.each([
    undefined,
    '',
    'application/x-protobuf',
    'Application/X-Protobuf',
    'application/x-protobuf;proto=prometheus.WriteRequest',
    'application/x-protobuf ; PROTO="prometheus.WriteRequest" ; charset=utf-8',
    'application/x-protobuf; a=b; proto=prometheus.WriteRequest',
  ])('%j is remote write 1.0', contentType => {
    expect(negotiate(contentType === undefined ? {} : { 'content-type': contentType })).toEqual({
      protocol: '1.0',
      encoding: 'snappy',
    })
  })

  test.each([
    'application/json',
    'image/png',
    'text/plain',
    'nonsense',
    'application/x-protobuf;proto=io.prometheus.write.v2.Request',
    'application/x-protobuf;proto=prometheus.writerequest',
    'application/x-protobuf; proto = io.prometheus.write.v2.Request',
  ])('%j is a 415', contentType => {
    expect(code({ 'content-type': contentType })).toBe('415 unsupported_media_type')
  })
})

describe('a Content-Encoding', () => {
  test.each(['snappy', 'Snappy', ' snappy ', ''])('%j is snappy', encoding => {
    expect(negotiate({ 'content-encoding': encoding }).encoding).toBe('snappy')
  })
  test.each(['gzip', 'deflate', 'zstd', 'identity', 'snappy, gzip'])('%j is a 415', encoding => {
    expect(code({ 'content-encoding': encoding })).toBe('415 unsupported_encoding')
  })
})
