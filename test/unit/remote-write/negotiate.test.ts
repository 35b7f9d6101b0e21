import { describe, expect, test } from 'vitest'
import { SluiceError } from '../../../src/errors.ts'
import { negotiate } from '../../../src/remote-write/negotiate.ts'
import type { Encoding } from '../../../src/remote-write/split.ts'

const ALL: readonly Encoding[] = ['snappy', 'zstd']

function refusal(headers: Record<string, string>, encodings = ALL): SluiceError {
  try {
    negotiate(headers, encodings)
  } catch (error) {
    if (error instanceof SluiceError) return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('a Content-Type', () => {
  test.each([
    undefined,
    '',
    'application/x-protobuf',
    ' application/x-protobuf ',
    'Application/X-Protobuf',
    'application/x-protobuf;',
    'application/x-protobuf;proto=prometheus.WriteRequest',
    'application/x-protobuf ; PROTO="prometheus.WriteRequest" ; charset=utf-8',
    'application/x-protobuf; a=b; proto=prometheus.WriteRequest',
    'application/x-protobuf; a="; proto=io.prometheus.write.v2.Request"',
    'application/x-protobuf; proto=prometheus.WriteRequest; proto=prometheus.WriteRequest',
  ])('%j is remote write 1.0', contentType => {
    expect(negotiate(contentType === undefined ? {} : { 'content-type': contentType }, ALL)).toEqual({
      protocol: '1.0',
      encoding: 'snappy',
    })
  })

  test.each([
    'application/x-protobuf;proto=io.prometheus.write.v2.Request',
    'application/x-protobuf; proto = io.prometheus.write.v2.Request',
    'APPLICATION/X-PROTOBUF\t;\tPROTO="io.prometheus.write.v2.Request" ',
    'application/x-protobuf;;Proto=io.prometheus.write.v2.Request;charset="a;b\\"c"',
    'application/x-protobuf;proto="io.prometheus.write.v2\\.Request"',
  ])('%j is remote write 2.0', contentType => {
    expect(negotiate({ 'content-type': contentType }, ALL)).toEqual({ protocol: '2.0', encoding: 'snappy' })
  })

  test.each([
    'application/json',
    'image/png',
    'text/plain',
    'nonsense',
    'application/x-protobuffer',
    'x-application/x-protobuf',
    'application/x-protobuf, application/json',
    'application/x-protobuf proto=prometheus.WriteRequest',
    'application/x-protobuf;proto',
    'application/x-protobuf;proto=',
    'application/x-protobuf;proto=""',
    'application/x-protobuf;proto="prometheus.WriteRequest',
    'application/x-protobuf;proto=prometheus.writerequest',
    'application/x-protobuf;proto=io.prometheus.write.v2.request',
    'application/x-protobuf;proto=io.prometheus.write.v3.Request',
    'application/x-protobuf;proto=constructor',
    'application/x-protobuf;proto=prometheus.WriteRequest;proto=io.prometheus.write.v2.Request',
    'application/vnd.google.protobuf',
    '*/*',
  ])('%j is a 415 that names what is taken', contentType => {
    const { status, code, message } = refusal({ 'content-type': contentType })
    expect([status, code]).toEqual([415, 'unsupported_media_type'])
    expect(message).toContain(
      'application/x-protobuf is, with proto=prometheus.WriteRequest or proto=io.prometheus.write.v2.Request',
    )
  })

  test('is not searched for ever, however long', () => {
    const long = `application/x-protobuf${' ;'.repeat(8000)} ${'"\\'.repeat(4000)}`
    expect(refusal({ 'content-type': long }).status).toBe(415)
  })
})

describe('a Content-Encoding', () => {
  const type = (protocol: string) =>
    protocol === '1.0'
      ? {}
      : { 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request' }
  const encode = (encoding: string, protocol = '1.0') => ({ ...type(protocol), 'content-encoding': encoding })

  test.each(['snappy', 'Snappy', ' snappy ', ''])('%j is snappy', encoding => {
    expect(negotiate(encode(encoding), ALL).encoding).toBe('snappy')
    expect(negotiate(encode(encoding, '2.0'), ALL).encoding).toBe('snappy')
  })
  test.each(['zstd', 'ZSTD'])('%j is zstd, for remote write 1.0', encoding => {
    expect(negotiate(encode(encoding), ALL).encoding).toBe('zstd')
  })
  test.each(['gzip', 'deflate', 'br', 'identity', 'x-snappy-framed', 'snappy, gzip', 'snappy, snappy'])(
    '%j is a 415',
    encoding => {
      for (const protocol of ['1.0', '2.0']) {
        const { status, code } = refusal(encode(encoding, protocol))
        expect([status, code]).toEqual([415, 'unsupported_encoding'])
      }
    },
  )
  test('a refusal names what is taken, and where that is said', () => {
    expect(refusal(encode('gzip')).message).toBe(
      'Content-Encoding gzip is not supported for remote write 1.0; snappy and zstd are (ingress.encodings)',
    )
    expect(refusal(encode('zstd'), ['snappy']).message).toBe(
      'Content-Encoding zstd is not supported for remote write 1.0; snappy is (ingress.encodings)',
    )
    expect(refusal(encode('zstd', '2.0')).message).toBe(
      'Content-Encoding zstd is not supported for remote write 2.0; snappy is (ingress.encodings)',
    )
  })
})
