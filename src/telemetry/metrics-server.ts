/** Where /metrics is served, apart from pushes. */
import Fastify, { type FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'

export function createMetricsServer(registry: Registry): FastifyInstance {
  const server = Fastify({
    logger: false,
    forceCloseConnections: true,
    // Without these fastify loads ajv, and no route has a schema.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
  })
  // Nobody reads a body here, so its type is of no interest: `curl -d ''` sends one of a form.
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', (_request, _payload, done) => done(null))
  server.get('/metrics', async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  )
  return server
}

function noSchemas(): never {
  throw new Error('BUG: a route with a schema')
}
