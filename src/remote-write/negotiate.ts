/**
 * Which message and which encoding a push says it is. Remote write chooses by Content-Type alone; the version header is
 * not looked at, as the receivers of the field do. What is neither is exactly a 415: the status that makes a sender of
 * 2.0 or zstd fall back, and any other fail loudly.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { SluiceError } from '../errors.ts'
import type { Head } from '../protocol.ts'
import { printable } from '../text.ts'
import type { Encoding, Protocol } from './split.ts'

export interface WriteHead extends Head {
  readonly protocol: Protocol
  readonly encoding: Encoding
}

/** `encodings` are those that are taken, snappy always. Throws `unsupported_media_type` or `unsupported_encoding`. */
export function negotiate(headers: IncomingHttpHeaders, encodings: readonly Encoding[]): WriteHead {
  const protocol = protocolOf(headers['content-type'])
  // The specification of 2.0 has snappy only; zstd is VictoriaMetrics' own protocol, which is 1.0.
  const taken = protocol === '2.0' ? SNAPPY : encodings
  return { protocol, encoding: encodingOf(headers['content-encoding'], taken, protocol) }
}

const SNAPPY: readonly Encoding[] = ['snappy']

const MESSAGES: ReadonlyMap<string, Protocol> = new Map([
  ['prometheus.WriteRequest', '1.0'],
  ['io.prometheus.write.v2.Request', '2.0'],
])

function protocolOf(contentType: string | undefined): Protocol {
  // Prometheus's receiver takes a missing type as 1.0, and so do senders' authors.
  if (contentType === undefined || contentType.trim() === '') return '1.0'
  const protos = protosOf(contentType)
  const protocol = protos?.length === 0 ? '1.0' : MESSAGES.get(protos?.[0] ?? '')
  if (protocol !== undefined && protos?.every(proto => proto === protos[0])) return protocol
  throw new SluiceError(
    'unsupported_media_type',
    `Content-Type ${printable(contentType, 100)} is not supported; application/x-protobuf is, with proto=${[...MESSAGES.keys()].join(' or proto=')}`,
  )
}

const MEDIA_TYPE = /^\s*application\/x-protobuf\s*(?=;|$)/i
/** As RFC 9110, 5.6.6, has it, and with the blanks around `=` that some senders write. A parameter may be empty. */
const PARAMETER =
  /\s*;\s*(?:(?<name>[!#$%&'*+.^`|~\w-]+)\s*=\s*(?:(?<token>[!#$%&'*+.^`|~\w-]+)|"(?<text>(?:[^"\\]|\\.)*)")\s*)?/y

/** Each `proto` that it names; undefined where it is another type or can't be read. */
function protosOf(contentType: string): string[] | undefined {
  const type = MEDIA_TYPE.exec(contentType)
  if (type === null) return undefined
  const protos: string[] = []
  for (PARAMETER.lastIndex = type[0].length; PARAMETER.lastIndex < contentType.length; ) {
    const parameter = PARAMETER.exec(contentType)?.groups
    if (parameter === undefined) return undefined
    const { name, token, text = '' } = parameter
    if (name?.toLowerCase() === 'proto') protos.push(token ?? text.replace(/\\(.)/g, '$1'))
  }
  return protos
}

function encodingOf(
  contentEncoding: string | undefined,
  taken: readonly Encoding[],
  protocol: Protocol,
): Encoding {
  const named = (contentEncoding ?? '').trim().toLowerCase()
  // Nothing said is snappy: it is what 1.0 has always been.
  const encoding = taken.find(it => it === (named === '' ? 'snappy' : named))
  if (encoding !== undefined) return encoding
  throw new SluiceError(
    'unsupported_encoding',
    `Content-Encoding ${printable(named, 40)} is not supported for remote write ${protocol}; ${taken.join(' and ')} ${taken.length === 1 ? 'is' : 'are'} (ingress.encodings)`,
  )
}
