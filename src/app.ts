/**
 * What lives as long as the process, made and joined in one place; everything else receives. What follows from one
 * configuration is made in generation.ts, and swapped here.
 */
import type { Server as HttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { totalmem } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { every } from './clock.ts'
import type { Config, UpstreamConfig } from './config/config.ts'
import { Following } from './config/following.ts'
import type { LoadedConfig } from './config/load.ts'
import type { ErrorCode } from './errors.ts'
import { makeGeneration, splitRulesOf, type WriteUpstream } from './generation.ts'
import { Generations } from './generations.ts'
import {
  type Certificate,
  type FollowedCertificate,
  followCertificate,
  readCertificate,
} from './ingress/certificate.ts'
import { createConnections } from './ingress/connection.ts'
import { listen } from './ingress/listen.ts'
import { type Reload, registerReload } from './ingress/reload.ts'
import { registerRoutes } from './ingress/routes.ts'
import { createServer, limitServer } from './ingress/server.ts'
import { createDeliver } from './lanes/deliver.ts'
import { Memo } from './lanes/memo.ts'
import { Account } from './limits/accounts.ts'
import { gaugesOf } from './limits/gauges.ts'
import { Pressure, processVitals } from './limits/pressure.ts'
import { createPipeline, type PushReport } from './push/pipeline.ts'
import { Reloading } from './reload.ts'
import { RemoteWrite } from './remote-write/codec.ts'
import { WriteDialect } from './remote-write/dialect.ts'
import { MetadataRouter } from './remote-write/metadata/router.ts'
import { createSplitter } from './remote-write/splitter.ts'
import { CortexTenantMetrics } from './telemetry/cortex-tenant-metrics.ts'
import type { Logger } from './telemetry/log.ts'
import { Metrics, type UpstreamMetrics } from './telemetry/metrics.ts'
import { createMetricsServer } from './telemetry/metrics-server.ts'
import { PushLog } from './telemetry/push-log.ts'
import { registeredFromNow } from './telemetry/registered.ts'
import { matcherOf } from './text.ts'
import { openUpstream } from './upstream/open.ts'

export interface AppDependencies {
  readonly log: Logger
  readonly registry: Registry
  readonly version: string
  /** Reads the configuration anew; without it there is nothing to reload. */
  readonly load?: () => Promise<LoadedConfig>
  /** Lines that `log` could not write. */
  readonly logLinesDropped?: () => number
  /** How often files that the configuration names are read again. */
  readonly followIntervalMs?: number
}

/** A running Sluice. */
export interface App {
  /** Where pushes arrive, as `http://127.0.0.1:8080`. */
  readonly url: string
  readonly metricsUrl: string
  /** Takes the configuration anew. */
  readonly reload: Reload
  /** The same because its file changed, with the care that nobody looks. */
  readonly follow: Reload
  /** Not ready at once, then `timeout_shutdown`, drain, destroy. A second call waits for the first. */
  stop(): Promise<void>
}

const CERTIFICATE_INTERVAL_MS = 10_000
const FOLLOW_INTERVAL_MS = 5000
const SWEEP_MS = 5000
/** After the drain: time for the last 503s to leave. */
const LAST_ANSWERS_MS = 250

/** Resolves when it listens. Rejects, with everything closed again, where it can't. */
export async function startApp(first: LoadedConfig, dependencies: AppDependencies): Promise<App> {
  const { log, registry, version, load = async () => first } = dependencies
  const { followIntervalMs = FOLLOW_INTERVAL_MS, logLinesDropped = () => 0 } = dependencies
  const userAgent = `Sluice/${version}`
  const now = () => performance.now()
  const stopping = new AbortController()
  const halt = new AbortController()
  let listening = false
  let { config } = first
  let certificate: FollowedCertificate | undefined

  await using starting = new AsyncDisposableStack()

  starting.use(registeredFromNow(registry))
  const metrics = new Metrics({ registry, version, logLinesDropped, ...config.metrics })
  const peerMetrics =
    config.metrics.compatibility === 'cortex_tenant'
      ? new CortexTenantMetrics({ registry, ...config.metrics })
      : undefined
  const pushLog = new PushLog({ log, responseErrors: () => config.log.responseErrors })
  const report = (push: PushReport) => {
    metrics.pushed(push)
    peerMetrics?.pushed(push)
    pushLog.pushed(push)
  }
  const refused = (code: ErrorCode, message: string) => {
    metrics.refused(code)
    pushLog.refused(code, message)
  }
  const limited = (limit: string) => metrics.limited(limit)

  const pressure = new Pressure(config.admission, starting.use(processVitals(totalmem())))
  const account = new Account({
    ...accountLimitsOf(config),
    pressure: () => pressure.exceeded,
    refused: limited,
  })
  const splitter = createSplitter({
    threads: config.split.threads,
    engine: config.engine,
    broke: err => log.error({ err }, 'no thread could be started: the main thread splits everything'),
  })
  starting.defer(() => splitter.close())
  if (splitter.engine !== config.engine) {
    log.warn({ engine: splitter.engine }, 'this machine has no SIMD for WASM: the slow engine splits')
  }
  const memo = new Memo(config.memo, now)
  const metadata = new MetadataRouter({
    policy: config.metadata,
    rules: splitRulesOf(config),
    events: { dropped: reason => metrics.metadataDropped(reason), limited },
    compress: block => splitter.mergeRequests([block], 'fast'),
    now,
  })
  starting.use(
    every(SWEEP_MS, () => {
      memo.sweep()
      metadata.sweep()
    }),
  )
  const codec = new RemoteWrite({ splitter, metadata, events: metrics })
  const pipeline = createPipeline({ account, deliver: createDeliver({ now }), memo, report })

  const following = new Following({
    files: () => [...generations.upstreams].flatMap(({ files }) => files),
    intervalMs: followIntervalMs,
    changed: ({ key, path }) => log.info({ key, file: path }, 'a file changed and is used from now on'),
    failed: ({ key }, err) => log.warn({ key, err }, 'a file can’t be used; what it held before is used on'),
  })
  /** Each with what goes when it goes. */
  const opened: Map<WriteUpstream, AsyncDisposableStack> = new Map()
  const closing: Set<Promise<void>> = new Set()
  const inTheEnd = (closed: Promise<void>) => {
    const said = closed.catch(err => log.error({ err }, 'a bug: an upstream could not be closed'))
    closing.add(said)
    void said.finally(() => closing.delete(said))
  }
  const open = (section: UpstreamConfig, id: string): WriteUpstream => {
    const parts = new AsyncDisposableStack()
    try {
      const upstream = openInto(parts, section, id)
      opened.set(upstream, parts)
      return upstream
    } catch (error) {
      inTheEnd(parts.disposeAsync())
      throw error
    }
  }
  const openInto = (parts: AsyncDisposableStack, section: UpstreamConfig, id: string) => {
    const { name } = section
    const counted = parts.use(metrics.upstream(name))
    const rules = config.shed.map(({ pattern, afterMs }) => ({ matches: matcherOf(pattern), afterMs }))
    const upstream = openUpstream(section, {
      id,
      dialect: new WriteDialect({
        policy: { ...section, maxOutputBytes: config.limits.maxSplitOutputBytes },
        engine: splitter,
        events: counted.dialect,
        now,
      }),
      userAgent,
      shedAfterMs: tenant => rules.find(({ matches }) => matches(tenant))?.afterMs,
      events: laneEvents(counted, peerMetrics, log),
      refused: limited,
      unauthorized: () => following.refreshSoon(),
    })
    parts.use(upstream)
    parts.use(metrics.gauges.offer(upstream.gauges, { upstream: name }))
    return upstream
  }
  /** Once: a second call has nothing to do. */
  const close = async (upstream: WriteUpstream) => {
    const parts = opened.get(upstream)
    opened.delete(upstream)
    await parts?.disposeAsync()
  }
  /** Nobody holds it any more; what late shares are still under way gets its time. */
  const retire = (upstream: WriteUpstream) => {
    const { name } = upstream
    log.info({ upstream: name }, 'an upstream of an earlier configuration is drained')
    inTheEnd(upstream.drained(config.drainTimeoutMs).then(() => close(upstream)))
  }
  starting.defer(async () => {
    await Promise.all([...opened.keys()].map(close))
    await Promise.all(closing)
  })
  const make = (next: Config, live: Iterable<WriteUpstream>) =>
    makeGeneration(next, {
      ...{ codec, pipeline, live, open, userAgent },
      close: upstream => inTheEnd(close(upstream)),
    })
  const generations = new Generations(make(config, []), retire)

  const apply = ({ config: next }: LoadedConfig) => {
    // Nobody would close what it opens.
    if (stopping.signal.aborted) throw new Error('this process is stopping')
    const before = config
    // What is opened now, is opened by the new numbers.
    config = next
    try {
      generations.replace(make(next, generations.upstreams))
    } catch (error) {
      config = before
      throw error
    }
    account.limit(accountLimitsOf(next))
    pressure.limit(next.admission)
    memo.limit(next.memo)
    metadata.configure(next.metadata, splitRulesOf(next))
    log.level = next.log.level
    limitServer(server, serverLimitsOf(next))
    void following.refresh()
    certificate?.look()
  }
  const reloading = new Reloading({ first, load, apply, log })
  for (const part of [gaugesOf(account, pressure), splitter.gauges, memo.gauges, metadata.gauges]) {
    metrics.gauges.offer(part)
  }
  metrics.gauges.offer(reloading.gauges)

  const tls = certificateOf(config)
  const server = createServer({ ...serverLimitsOf(config), tls, refused })
  starting.defer(() => server.close())
  registerRoutes(server, {
    take: generations.take,
    refused,
    halt: halt.signal,
    connectionOf: createConnections({
      maxAgeMs: () => config.ingress.maxConnectionAgeMs,
      now,
      random: Math.random,
    }),
    readiness: {
      ready: () => listening && !stopping.signal.aborted,
      stopping: () => stopping.signal.aborted,
    },
    reload: reloading.reload,
  })
  const metricsServer = createMetricsServer(registry)
  registerReload(metricsServer, reloading.reload, refused)
  starting.defer(() => metricsServer.close())

  await listen(server, config.listen)
  await listen(metricsServer, config.listenMetrics)
  starting.use(pressure.watch())
  starting.use(following.watch())
  if (tls !== undefined) {
    certificate = starting.use(followTls(server, tls, () => config, log))
  }
  listening = true
  const running = starting.move()

  async function stop(): Promise<void> {
    stopping.abort()
    log.info({ seconds: config.timeoutShutdownMs / 1000 }, 'stopping: not ready any more, still serving')
    await sleep(config.timeoutShutdownMs)

    const drained = new AbortController()
    const deadline = sleep(config.drainTimeoutMs, undefined, { signal: drained.signal }).then(
      () => cutShort(),
      () => {},
    )
    await server.close()
    drained.abort()
    await deadline
    await running.disposeAsync()
    log.info('stopped')
  }

  /** Every sender takes a 503 or a broken connection as "send it again", so nothing is lost by this; it is said all the same. */
  async function cutShort(): Promise<void> {
    log.warn(
      { pushes: account.pushes, seconds: config.drainTimeoutMs / 1000 },
      'pushes not delivered within drain_timeout; their senders were not told OK and will send them again',
    )
    halt.abort()
    await sleep(LAST_ANSWERS_MS)
    server.server.closeAllConnections()
  }

  let stopped: Promise<void> | undefined
  return {
    url: urlOf(server, tls === undefined ? 'http' : 'https'),
    metricsUrl: urlOf(metricsServer, 'http'),
    reload: reloading.reload,
    follow: reloading.follow,
    stop() {
      stopped ??= stop()
      return stopped
    },
  }
}

function accountLimitsOf({ concurrency, limits }: Config) {
  return { maxPushes: concurrency, maxBytes: limits.maxInFlightBytes }
}

function serverLimitsOf({ idleTimeoutMs, timeoutMs, ingress }: Config) {
  return { idleTimeoutMs, timeoutMs, maxConnections: ingress.maxConnections }
}

function laneEvents({ lanes }: UpstreamMetrics, peer: CortexTenantMetrics | undefined, log: Logger) {
  return {
    attempted(attempt: Parameters<typeof lanes.attempted>[0]) {
      lanes.attempted(attempt)
      peer?.attempted(attempt)
    },
    happened: lanes.happened,
    broke: (err: unknown) => log.error({ err }, 'a bug: a batch could not be sent'),
  }
}

function certificateOf({ auth }: Config): Certificate | undefined {
  const files = auth.ingress
  return files && readCertificate({ certFile: files.certFile.path, keyFile: files.keyFile.path })
}

function followTls(
  server: FastifyInstance,
  tls: Certificate,
  inForce: () => Config,
  log: Logger,
): FollowedCertificate {
  return followCertificate(tls, {
    server: server.server as unknown as HttpsServer,
    read: () => certificateOf(inForce()),
    changed: () => {
      const file = inForce().auth.ingress?.certFile.path
      log.info({ file }, 'the certificate changed and is served from now on')
    },
    failed: err => log.warn({ err }, 'the certificate changed and can’t be used; the old one is served on'),
    intervalMs: CERTIFICATE_INTERVAL_MS,
  })
}

function urlOf(server: FastifyInstance, scheme: string): string {
  const { address, family, port } = server.server.address() as AddressInfo
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}
