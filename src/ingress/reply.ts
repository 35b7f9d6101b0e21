/** An answer as HTTP, and what becomes of a body that nobody has read. */
import type { FastifyReply } from 'fastify'
import type { Answer } from '../share/answer.ts'
import { contentLengthOf, hasBody } from './body.ts'
import { lingerBeforeClose } from './linger.ts'

/** An unread rest up to this is read and dropped, so that the connection can go on; of more, closing is cheaper. */
const DRAIN_BYTES = 1024 * 1024

export function sendAnswer(reply: FastifyReply, answer: Answer): FastifyReply {
  const { raw } = reply.request
  if (!raw.complete && hasBody(raw)) {
    const left = contentLengthOf(raw)
    // Otherwise Node reads a refused body to its end, however long, to save the connection.
    if (left === undefined || left > DRAIN_BYTES || answer.code === 'slow_request') {
      reply.header('connection', 'close')
      lingerBeforeClose(raw)
    } else raw.resume()
  }
  if (answer.retryAfterSeconds !== undefined) reply.header('retry-after', String(answer.retryAfterSeconds))
  for (const name in answer.headers) reply.header(name, answer.headers[name])
  if (answer.body === '') return reply.code(answer.status).send()
  return reply.code(answer.status).type('text/plain; charset=utf-8').send(answer.body)
}
