/** What a store may answer to the shares of one push, with what our sender gets for it, and cortex-tenant's. */
import { message, metadata, series } from './messages.ts'
import { answerWith, type Respond } from './receiver.ts'
import { bodyOf, compressed } from './stage.ts'
import { concat } from './wire.ts'

/** Each tenant gets what its name says: `s429` a 429, `broken` a connection that ends, `mute` nothing. */
export const answerByTenant: Respond = (received, response, request) => {
  const tenant = received.headers['x-scope-orgid'] as string
  if (tenant === 'broken') request.socket.destroy()
  if (tenant.startsWith('s'))
    answerWith(Number(tenant.slice(1)), `reason of ${tenant}`)(received, response, request)
}

interface AnswerCase {
  readonly tenants: readonly string[]
  readonly status: number
  readonly peer: number
}

export const ANSWER_CASES: readonly AnswerCase[] = [
  { tenants: ['s200'], status: 204, peer: 200 },
  { tenants: ['s202'], status: 204, peer: 202 },
  { tenants: ['s200', 's204'], status: 204, peer: 204 },
  { tenants: ['s200', 's400'], status: 400, peer: 400 },
  { tenants: ['s200', 's422'], status: 400, peer: 422 },
  { tenants: ['s400', 's409'], status: 400, peer: 409 },
  { tenants: ['s204', 's429'], status: 429, peer: 429 },
  { tenants: ['s400', 's429'], status: 429, peer: 429 },
  { tenants: ['s429', 's499'], status: 429, peer: 499 },
  { tenants: ['s429', 's500'], status: 503, peer: 500 },
  { tenants: ['s200', 's503'], status: 503, peer: 503 },
  { tenants: ['s200', 's302'], status: 503, peer: 302 },
  { tenants: ['s200', 's401'], status: 503, peer: 401 },
  { tenants: ['s200', 'broken'], status: 503, peer: 500 },
  { tenants: ['s400', 'broken'], status: 503, peer: 500 },
  { tenants: ['s503', 'broken'], status: 503, peer: 500 },
  { tenants: ['s200', 'mute'], status: 503, peer: 500 },
]

interface BodyCase {
  readonly what: string
  readonly body: Uint8Array
  readonly status: number
  readonly peer: number
  /** Tenants that get something all the same. */
  readonly sent: readonly string[]
  readonly sentByPeer: readonly string[]
}

const good = series({ tenant: 's204' })
const UP = metadata('up', 'Whether it is up.')
const nothing = { sent: [], sentByPeer: [] }

/** Without a default tenant, and with `metadata` off. */
export const BODY_CASES: readonly BodyCase[] = [
  { what: 'a body that is no snappy', body: Buffer.from('no snappy'), status: 400, peer: 400, ...nothing },
  {
    what: 'a message that is no protobuf',
    body: compressed(Buffer.from('\x0a\x05abc')),
    status: 400,
    peer: 400,
    ...nothing,
  },
  { what: 'no bytes', body: Buffer.alloc(0), status: 400, peer: 400, ...nothing },
  { what: 'an empty message', body: compressed(Buffer.alloc(0)), status: 204, peer: 400, ...nothing },
  { what: 'metadata alone', body: compressed(UP), status: 204, peer: 200, ...nothing },
  {
    what: 'metadata among series',
    body: compressed(concat(message('1.0', [good]), UP)),
    status: 204,
    peer: 204,
    sent: ['s204'],
    sentByPeer: ['s204'],
  },
  {
    what: 'one series without a tenant',
    body: bodyOf([{ lost: 'yes' }, { tenant: 's204' }]),
    status: 400,
    peer: 400,
    sent: ['s204'],
    sentByPeer: [],
  },
  {
    what: 'one series with an empty tenant',
    body: bodyOf([{ tenant: '' }, { tenant: 's204' }]),
    status: 400,
    peer: 400,
    sent: ['s204'],
    sentByPeer: [],
  },
]
