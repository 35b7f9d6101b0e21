/**
 * The embedded store of the demo: remote write 1.0 in, a little of the Prometheus HTTP API out, a tenant per
 * `X-Scope-OrgID`, as Cortex and Mimir do it.
 */
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { parseTenantId, type TenantId } from '../tenant.ts'
import { DEFAULT_LIMITS, Memory, type MemoryLimits, type TenantStats } from './memory.ts'
import { findSeries, instantQuery, labelNames, labelValues, QueryError } from './queries.ts'
import { readPush } from './received.ts'

export interface Store {
  /** `http://127.0.0.1:9009` */
  readonly url: string
  stats(): readonly TenantStats[]
  close(): Promise<void>
}

export interface StoreOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly limits?: MemoryLimits
  readonly now?: () => number
}

const MAX_BODY_BYTES = 8 << 20
const MAX_DECODED_BYTES = 32 << 20
const MAX_FORM_BYTES = 64 << 10

export async function startStore({
  host,
  port,
  limits = DEFAULT_LIMITS,
  now = Date.now,
}: StoreOptions): Promise<Store> {
  const memory = new Memory(limits, now)
  const app = fastify({ bodyLimit: MAX_FORM_BYTES, forceCloseConnections: true })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.setErrorHandler(answerError)
  app.setNotFoundHandler((_request, reply) =>
    fail(reply, 404, 'not_found', `no such route; there is ${ROUTES}`),
  )
  addRoutes(app, memory, now)
  const url = await app.listen({ host, port })
  return { url, stats: () => memory.stats(), close: () => app.close() }
}

const ROUTES =
  'POST /api/v1/push and GET /api/v1/{tenants,query,series,labels,label/NAME/values}, all but tenants with X-Scope-OrgID'

function addRoutes(app: FastifyInstance, memory: Memory, now: () => number): void {
  app.route({
    method: 'POST',
    url: '/api/v1/push',
    bodyLimit: MAX_BODY_BYTES,
    // Before the body is read.
    onRequest: async request => {
      tenantOf(request)
      checkMedia(request)
    },
    handler: async (request, reply) => {
      const tenant = tenantOf(request)
      const refusals = memory.push(tenant, decode(memory, tenant, request.body))
      if (refusals.length > 0) throw new StoreError(400, refusals.join('; '))
      return reply.code(200).send()
    },
  })
  app.get('/api/v1/tenants', async () => success(memory.stats()))
  const answers = {
    '/api/v1/query': (tenant, params) => instantQuery(memory.series(tenant), params, now()),
    '/api/v1/series': (tenant, params) => findSeries(memory.series(tenant), params),
    '/api/v1/labels': (tenant, params) => labelNames(memory.series(tenant), params),
  } satisfies Record<string, (tenant: TenantId, params: URLSearchParams) => unknown>
  for (const [url, answer] of Object.entries(answers)) {
    app.route({
      method: ['GET', 'POST'],
      url,
      handler: async request => success(answer(tenantOf(request), paramsOf(request))),
    })
  }
  app.get<{ Params: { name: string } }>('/api/v1/label/:name/values', async request =>
    success(labelValues(memory.series(tenantOf(request)), request.params.name, paramsOf(request))),
  )
}

const success = (data: unknown) => ({ status: 'success', data })

/** A refusal of the write side; plain text, as Cortex answers. */
class StoreError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

function tenantOf(request: FastifyRequest): TenantId {
  const header = request.headers['x-scope-orgid']
  if (typeof header !== 'string' || header === '') throw new StoreError(401, 'no org id: send X-Scope-OrgID')
  const tenant = parseTenantId(Buffer.from(header, 'latin1'), 'mimir')
  if (tenant === undefined) throw new StoreError(400, 'X-Scope-OrgID is not a valid tenant')
  return tenant
}

function checkMedia(request: FastifyRequest): void {
  const encoding = request.headers['content-encoding'] ?? 'snappy'
  if (encoding !== 'snappy') throw new StoreError(415, 'this store reads snappy only')
  const [type = '', ...parameters] = (request.headers['content-type'] ?? MEDIA_TYPE)
    .split(';')
    .map(part => part.trim())
  const proto = parameters.find(parameter => parameter.startsWith('proto='))
  if (type !== MEDIA_TYPE || (proto ?? MESSAGE) !== MESSAGE) {
    throw new StoreError(415, `this store reads ${MEDIA_TYPE};${MESSAGE} (remote write 1.0) only`)
  }
}

const MEDIA_TYPE = 'application/x-protobuf'
const MESSAGE = 'proto=prometheus.WriteRequest'

function decode(memory: Memory, tenant: TenantId, body: unknown) {
  try {
    return readPush(body instanceof Buffer ? body : Buffer.alloc(0), MAX_DECODED_BYTES)
  } catch (error) {
    memory.refuse(tenant)
    throw new StoreError(400, `the body can't be read: ${(error as Error).message}`)
  }
}

/** Of the URL and, in a POST, of the form in the body. */
function paramsOf(request: FastifyRequest): URLSearchParams {
  const mark = request.url.indexOf('?')
  const params = new URLSearchParams(mark < 0 ? '' : request.url.slice(mark))
  if (request.body instanceof Buffer) {
    for (const [name, value] of new URLSearchParams(request.body.toString())) params.append(name, value)
  }
  return params
}

function answerError(error: unknown, _request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof StoreError)
    return reply.code(error.status).type('text/plain; charset=utf-8').send(`${error.message}\n`)
  if (error instanceof QueryError) return fail(reply, error.status, error.type, error.message)
  // What fastify itself refuses: a body over the limit, a malformed request.
  const status = (error as { readonly statusCode?: number }).statusCode ?? 500
  return fail(reply, status, status < 500 ? 'bad_data' : 'internal', (error as Error).message)
}

function fail(reply: FastifyReply, status: number, errorType: string, error: string): FastifyReply {
  return reply.code(status).send({ status: 'error', errorType, error })
}
