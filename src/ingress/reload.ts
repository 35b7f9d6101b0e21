/** `POST /-/reload`: takes the configuration anew, as SIGHUP does. From this machine only, until there is a door for admins. */
import { BlockList, isIP } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { CATALOGUE, type ErrorCode } from '../errors.ts'

/** Resolves when the new configuration is in force; says what is wrong where the old one stays. */
export type Reload = () => Promise<ReloadOutcome>

export type ReloadOutcome =
  /** `restart`: keys that differ from what the process was started with, and stay so until the next start. */
  { readonly ok: true; readonly restart: readonly string[] } | { readonly ok: false; readonly reason: string }

const RELOAD_PATH = '/-/reload'

/** `refused` counts and logs who may not ask. */
export function registerReload(
  server: FastifyInstance,
  reload: Reload,
  refused: (code: ErrorCode, message: string) => void,
): void {
  server.route({
    url: RELOAD_PATH,
    method: server.supportedMethods.filter(method => method !== 'POST'),
    handler({ method }, reply) {
      const message = `${method} is not allowed on ${RELOAD_PATH}`
      const { status, advice } = CATALOGUE.method_not_allowed
      refused('method_not_allowed', message)
      return say(reply.header('allow', 'POST'), status, `${message}. ${advice}`)
    },
  })
  server.post(RELOAD_PATH, async (request, reply) => {
    if (!isLocal(request)) {
      refused('not_local', `a reload was asked for by ${request.raw.socket.remoteAddress}`)
      return say(reply, CATALOGUE.not_local.status, CATALOGUE.not_local.advice)
    }
    const outcome = await reload()
    if (!outcome.ok) return say(reply, 400, `The old configuration stays in force. ${outcome.reason}`)
    const rest = outcome.restart.map(key => `${key} was changed and needs a restart`)
    return say(reply, 200, ['The configuration is in force.', ...rest].join('\n'))
  })
}

function say(reply: FastifyReply, status: number, text: string): FastifyReply {
  return reply.code(status).type('text/plain; charset=utf-8').send(`${text}\n`)
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/** A proxy on this machine speaks for whoever asked it, so what it passes on is not from here. */
function isLocal({ raw, headers }: FastifyRequest): boolean {
  const address = raw.socket.remoteAddress ?? ''
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
  const isPassedOn = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'].some(name => name in headers)
  // BlockList takes ::ffff:127.0.0.1 for the IPv4 address that it is.
  return isIP(address) !== 0 && LOOPBACK.check(address, family) && !isPassedOn
}
