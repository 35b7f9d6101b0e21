/**
 * Which message and which encoding a push says it is. Remote write chooses by Content-Type alone; the version header is
 * not looked at, as the receivers of the field do.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { MIMEType } from 'node:util'
import { SluiceError } from '../errors.ts'
import type { Encoding, Protocol } from '../split/split.ts'
import { printable } from '../text.ts'

export interface Negotiated {
  readonly protocol: Protocol
  readonly encoding: Encoding
}

/** Throws `unsupported_media_type` or `unsupported_encoding`, both 415: the status that makes a sender fall back or fail loudly. */
export function negotiate(headers: IncomingHttpHeaders): Negotiated {
  return { protocol: protocolOf(headers['content-type']), encoding: encodingOf(headers['content-encoding']) }
}

function protocolOf(contentType: string | undefined): Protocol {
  // Prometheus's receiver takes a missing type as 1.0, and so do senders' authors.
  if (contentType === undefined || contentType.trim() === '') return '1.0'
  const type = parseType(contentType)
  const proto = type?.params.get('proto')
  if (type?.essence === 'application/x-protobuf' && (proto ?? MESSAGE_1) === MESSAGE_1) return '1.0'
  throw new SluiceError(
    'unsupported_media_type',
    `Content-Type ${printable(contentType, 100)} is not supported; application/x-protobuf with proto=${MESSAGE_1} is`,
  )
}

const MESSAGE_1 = 'prometheus.WriteRequest'

function parseType(text: string): MIMEType | undefined {
  try {
    // Senders write spaces around `=`, which the MIME standard would take as a part of the name.
    return new MIMEType(text.replace(/\s*([;=])\s*/g, '$1'))
  } catch {
    return undefined
  }
}

function encodingOf(contentEncoding: string | undefined): Encoding {
  const encoding = (contentEncoding ?? '').trim().toLowerCase()
  if (encoding === '' || encoding === 'snappy') return 'snappy'
  throw new SluiceError(
    'unsupported_encoding',
    `Content-Encoding ${printable(encoding, 40)} is not supported; snappy is`,
  )
}
