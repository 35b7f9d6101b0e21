/**
 * A push that fails is one line with its reason. A sender that fails fails often, so there are only so many lines a
 * second; what was left out is a number in the next line.
 */
import { CATALOGUE, type ErrorCode } from '../errors.ts'
import type { PushReport } from '../push/pipeline.ts'
import type { Logger } from './log.ts'

export interface PushLogOptions {
  readonly log: Logger
  /** Whether failures that the store itself answered are worth a warning (cortex-tenant's `log_response_errors`). */
  readonly responseErrors: () => boolean
  readonly now?: () => number
}

const LINES_PER_SECOND = 10
const REASON_CHARACTERS = 500

export class PushLog {
  readonly #options: PushLogOptions
  readonly #now: () => number
  #second = 0
  #lines = 0
  #suppressed = 0

  constructor(options: PushLogOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  pushed(report: PushReport): void {
    const { answer, error, identity } = report
    if (answer.code === undefined) return
    const fields = {
      status: answer.status,
      protocol: report.protocol,
      principal: identity.principal.name,
      address: identity.address,
      route: identity.route,
      upstreams: failedUpstreams(report),
      body_bytes: report.bodyBytes,
      series: report.split?.received.series,
      // One may have several shares.
      tenants: report.split && new Set(report.split.shares.map(({ tenant }) => tenant)).size,
      seconds: Number(report.seconds.toFixed(3)),
      reason: answer.body.trimEnd().replaceAll('\n', '; ').slice(0, REASON_CHARACTERS),
      // Only our own bugs have a cause worth a stack.
      ...(answer.code === 'internal' ? { err: error?.cause } : {}),
    }
    // What is given up by policy was no answer of the store's, and is lost: never quiet.
    const shed = report.deliveries.some(({ verdict }) => verdict.kind === 'rejected' && verdict.status === 0)
    this.#line(answer.code, fields, 'push failed', shed)
  }

  /** A request that never became a push. */
  refused(code: ErrorCode, message: string): void {
    this.#line(
      code,
      { status: CATALOGUE[code].status, reason: message.slice(0, REASON_CHARACTERS) },
      'request refused',
    )
  }

  #line(code: ErrorCode, fields: object, message: string, loud = false): void {
    const { log, responseErrors } = this.#options
    const quiet = ANSWERED_BY_STORE.has(code) && !responseErrors() && !loud
    // A line that nobody would see must not take the place of one that somebody would.
    const level = code === 'internal' ? 'error' : quiet ? 'debug' : 'warn'
    if (!log.isLevelEnabled(level)) return
    const second = Math.floor(this.#now() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#lines = 0
    }
    if (++this.#lines > LINES_PER_SECOND) {
      this.#suppressed++
      return
    }
    const suppressed = this.#suppressed > 0 ? { lines_suppressed: this.#suppressed } : {}
    this.#suppressed = 0
    log[level]({ code, ...fields, ...suppressed }, message)
  }
}

/** Stores that something failed at; undefined where none did. */
function failedUpstreams({ deliveries }: PushReport): readonly string[] | undefined {
  const failed = deliveries.filter(({ verdict }) => verdict.kind !== 'delivered')
  return failed.length === 0 ? undefined : [...new Set(failed.map(({ upstream }) => upstream))]
}

const ANSWERED_BY_STORE: ReadonlySet<ErrorCode> = new Set(['upstream_rejected', 'upstream_throttled'])
