/**
 * The one catalogue of what can go wrong: code → status, whose fault, what to do about it. `docs/errors.md` has a row
 * for each code, and a test walks both. The status decides what the sender does with its data, so it is chosen here and
 * nowhere else: a resend can't cure a 4xx, and time cures a 503.
 */

type Source = 'sender' | 'upstream' | 'ourselves'

interface CatalogueEntry {
  readonly status: number
  readonly source: Source
  /** One sentence for the person who reads it. */
  readonly advice: string
}

const catalogue = {
  // The request
  not_found: {
    status: 404,
    source: 'sender',
    advice: 'Push to /api/v1/push; see the routes in the documentation.',
  },
  method_not_allowed: {
    status: 405,
    source: 'sender',
    advice: 'Use the method that the Allow header names.',
  },
  not_local: {
    status: 403,
    source: 'sender',
    advice: 'A reload can be asked for from this machine only.',
  },
  not_implemented: { status: 501, source: 'ourselves', advice: 'Send Loki streams to the store directly.' },
  bad_request: { status: 400, source: 'sender', advice: 'Send a well-formed HTTP/1.1 request.' },
  unsupported_media_type: {
    status: 415,
    source: 'sender',
    advice:
      'Send application/x-protobuf; in Prometheus, protobuf_message is one of prometheus.WriteRequest and io.prometheus.write.v2.Request.',
  },
  unsupported_encoding: {
    status: 415,
    source: 'sender',
    advice:
      'Compress the body as one snappy block; zstd is for remote write 1.0, where ingress.encodings has it.',
  },
  headers_too_large: { status: 431, source: 'sender', advice: 'Send fewer or shorter headers.' },
  slow_request: { status: 408, source: 'sender', advice: 'Send headers and body within timeout.' },
  client_gone: {
    status: 499,
    source: 'sender',
    advice: 'Nobody was left to answer; look at the sender’s own timeout.',
  },

  // The body
  body_empty: { status: 400, source: 'sender', advice: 'Send a compressed remote-write message.' },
  body_too_large: { status: 413, source: 'sender', advice: 'Send smaller pushes, or raise limits.max_body.' },
  decoded_too_large: {
    status: 400,
    source: 'sender',
    advice: 'Send smaller pushes, or raise limits.max_decoded.',
  },
  snappy_corrupt: { status: 400, source: 'sender', advice: 'Send one snappy block, not the framed format.' },
  zstd_corrupt: { status: 400, source: 'sender', advice: 'Send one zstd frame.' },
  protobuf_malformed: { status: 400, source: 'sender', advice: 'Send a valid protobuf message.' },
  wrong_protocol: {
    status: 400,
    source: 'sender',
    advice: 'Make Content-Type name the message that the body holds.',
  },
  too_many_series: {
    status: 400,
    source: 'sender',
    advice: 'Send fewer series per push, or raise limits.max_series.',
  },
  split_output_too_large: {
    status: 400,
    source: 'sender',
    advice: 'Send fewer tenants per push, or raise limits.max_split_output.',
  },

  // The series and their shares
  series_refused: {
    status: 400,
    source: 'sender',
    advice: 'Give each series one valid tenant label, or set tenant.default.',
  },
  upstream_rejected: { status: 400, source: 'upstream', advice: 'Look at the reason that the store gave.' },
  upstream_refused: {
    status: 400,
    source: 'upstream',
    advice: 'The store does not accept us: check target, credentials and tenant.header.',
  },
  upstream_throttled: {
    status: 429,
    source: 'upstream',
    advice: 'Raise the tenant’s limits in the store, or send less.',
  },
  upstream_unreachable: {
    status: 503,
    source: 'upstream',
    advice: 'The sender will retry; check the store.',
  },

  // Ourselves
  overloaded: {
    status: 503,
    source: 'ourselves',
    advice: 'The sender will retry; add replicas or raise the limit named.',
  },
  stopping: { status: 503, source: 'ourselves', advice: 'The sender will retry, at another replica.' },
  internal: { status: 500, source: 'ourselves', advice: 'A bug: please report it with the log line.' },
} as const satisfies Record<string, CatalogueEntry>

export type ErrorCode = keyof typeof catalogue

export const CATALOGUE: Readonly<Record<ErrorCode, CatalogueEntry>> = catalogue

/** The one exception class of this project. `message` carries numbers and the key of the limit, never bytes of a body. */
export class SluiceError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SluiceError'
    this.code = code
  }

  get status(): number {
    return CATALOGUE[this.code].status
  }
}
