/** The one place where things are made and joined; everything else receives. */
import { readFileSync } from 'node:fs'
import type { Server as HttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { networkInterfaces, totalmem } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import type { Address, Config } from './config/config.ts'
import { FollowedFile } from './config/followed-file.ts'
import { Following } from './config/following.ts'
import type { ErrorCode } from './errors.ts'
import { type Certificate, followCertificate, readCertificate } from './ingress/certificate.ts'
import { createConnections } from './ingress/connection.ts'
import { registerRoutes } from './ingress/routes.ts'
import { createServer } from './ingress/server.ts'
import { Gate } from './limits/gate.ts'
import { Pressure, processVitals } from './limits/pressure.ts'
import { createPipeline, type PushReport } from './push/pipeline.ts'
import { MetadataRouter } from './remote-write/metadata/router.ts'
import type { SplitRules } from './remote-write/split.ts'
import { createSplitter } from './remote-write/splitter.ts'
import { CortexTenantMetrics } from './telemetry/cortex-tenant-metrics.ts'
import { registerGauges } from './telemetry/gauges.ts'
import type { Logger } from './telemetry/log.ts'
import { Metrics } from './telemetry/metrics.ts'
import { PushLog } from './telemetry/push-log.ts'
import { createEgress } from './upstream/egress.ts'
import { Upstream } from './upstream/upstream.ts'

export interface AppDependencies {
  readonly log: Logger
  readonly registry: Registry
  readonly version: string
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
  /** Not ready at once, then `timeout_shutdown`, drain, destroy. A second call waits for the first. */
  stop(): Promise<void>
}

const CERTIFICATE_INTERVAL_MS = 10_000
const FOLLOW_INTERVAL_MS = 5000
const METADATA_SWEEP_MS = 5000
/** After the drain: time for the last 503s to leave. */
const LAST_ANSWERS_MS = 250

/** Resolves when it listens. Rejects, with everything closed again, where it can't. */
export async function startApp(config: Config, dependencies: AppDependencies): Promise<App> {
  const {
    log,
    registry,
    version,
    logLinesDropped = () => 0,
    followIntervalMs = FOLLOW_INTERVAL_MS,
  } = dependencies
  const stopping = new AbortController()
  const halt = new AbortController()
  let listening = false

  const metrics = new Metrics({ registry, version, logLinesDropped, ...config.metrics })
  const peerMetrics =
    config.metrics.compatibility === 'cortex_tenant'
      ? new CortexTenantMetrics({ registry, ...config.metrics })
      : undefined

  const pressure = new Pressure(config.admission, processVitals(totalmem()))
  const gate = new Gate({
    maxPushes: config.concurrency,
    maxBytes: config.limits.maxInFlightBytes,
    pressure: () => pressure.exceeded,
    refused: limit => metrics.limited(limit),
  })
  const splitter = createSplitter({
    threads: config.split.threads,
    engine: config.engine,
    broke: err => log.error({ err }, 'no thread could be started: the main thread splits everything'),
  })
  if (splitter.engine !== config.engine) {
    log.warn({ engine: splitter.engine }, 'this machine has no SIMD for WASM: the slow engine splits')
  }
  const following = new Following({
    files: filesOf(config),
    intervalMs: followIntervalMs,
    changed: ({ key, path }) => log.info({ key, file: path }, 'a file changed and is used from now on'),
    failed: ({ key }, err) => log.warn({ key, err }, 'a file can’t be used; what it held before is used on'),
  })
  const upstream = new Upstream({
    target: config.target,
    tenantHeader: config.tenant.header,
    ...config.auth.egress,
    ca: readCaBundle(config.auth.egress.caBundleFile),
    timeoutMs: config.timeoutMs,
    maxConnectionDurationMs: config.egress.maxConnectionDurationMs,
    ipv6: config.enableIpv6,
    userAgent: `Sluice/${version}`,
    unauthorized: () => following.refreshSoon(),
  })
  const egress = createEgress({
    config,
    upstream,
    events: {
      attempted(attempt) {
        metrics.attempted(attempt)
        peerMetrics?.attempted(attempt)
      },
      happened: event => metrics.happened(event),
      lost: (createdTimestamps, histograms) => metrics.lost(createdTimestamps, histograms),
      broke: err => log.error({ err }, 'a bug: a batch could not be sent'),
    },
    refused: limit => metrics.limited(limit),
    mergeRequests: splitter.mergeRequests,
    convert: splitter.convert,
    halve: splitter.halve,
  })
  const rules = rulesOf(config)
  const metadata = new MetadataRouter({
    policy: config.metadata,
    rules,
    events: {
      dropped: reason => metrics.metadataDropped(reason),
      limited: limit => metrics.limited(limit),
    },
    compress: block => splitter.mergeRequests([block], 'fast'),
    now: () => performance.now(),
  })
  const metadataSweeper = setInterval(() => metadata.sweep(), METADATA_SWEEP_MS)
  metadataSweeper.unref()
  registerGauges(metrics, { config, gate, pressure, egress, splitter, metadata })

  const pushLog = new PushLog({ log, responseErrors: config.log.responseErrors })

  const report = (push: PushReport) => {
    metrics.pushed(push)
    peerMetrics?.pushed(push)
    pushLog.pushed(push)
  }
  const refused = (code: ErrorCode, message: string) => {
    metrics.refused(code)
    pushLog.refused(code, message)
  }

  const pipeline = createPipeline({
    gate,
    split: splitter.split,
    deliver: egress.deliver,
    memo: egress.memo,
    metadata,
    rules,
    upstream: egress.protocol,
    policy: {
      on429: config.on429,
      onUpstreamRefusal: config.onUpstreamRefusal,
      acceptAll: config.tenant.acceptAll,
      retryAfterMaxMs: config.retryAfterMaxMs,
    },
    maxBodyBytes: config.limits.maxBodyBytes,
    pushDeadlineMs: config.pushDeadlineMs,
    report,
  })

  const files = config.auth.ingress
  const tls = files === undefined ? undefined : readCertificate(files)
  const server = createServer({
    idleTimeoutMs: config.idleTimeoutMs,
    timeoutMs: config.timeoutMs,
    tls,
    maxConnections: config.ingress.maxConnections,
    refused,
  })
  registerRoutes(server, {
    pipeline,
    encodings: config.ingress.encodings,
    maxBodyBytes: config.limits.maxBodyBytes,
    timeoutMs: config.timeoutMs,
    prefixHeader: config.tenant.prefixPreferSource ? config.tenant.header.toLowerCase() : undefined,
    passOn: {
      userAgent: `Sluice/${version}`,
      forwardHeaders: config.egress.forwardHeaders,
      compatibilityHeaders: config.compatibilityHeaders,
    },
    refused,
    halt: halt.signal,
    connectionOf: createConnections({
      maxAgeMs: config.ingress.maxConnectionAgeMs,
      now: () => performance.now(),
      random: Math.random,
    }),
    health: { ready: () => listening && !stopping.signal.aborted, stopping: () => stopping.signal.aborted },
  })
  const metricsServer = createMetricsServer(registry)

  const close = async () => {
    await Promise.all([server.close(), metricsServer.close()])
    pressure.stop()
    following.stop()
    egress.stop()
    clearInterval(metadataSweeper)
    await Promise.all([splitter.close(), upstream.destroy()])
  }

  try {
    await listen(server, config.listen)
    await listen(metricsServer, config.listenMetrics)
    pressure.start()
    following.start()
    listening = true
  } catch (error) {
    await close()
    throw error
  }
  if (files !== undefined && tls !== undefined) {
    follow(server.server as unknown as HttpsServer, tls, files, log, stopping.signal)
  }

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
    await close()
    log.info('stopped')
  }

  /** Every sender takes a 503 or a broken connection as "send it again", so nothing is lost by this; it is said all the same. */
  async function cutShort(): Promise<void> {
    log.warn(
      { pushes: gate.pushes, seconds: config.drainTimeoutMs / 1000 },
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
    stop() {
      stopped ??= stop()
      return stopped
    },
  }
}

/** Those whose content may change while we run. */
function filesOf({ auth }: Config): readonly FollowedFile[] {
  const { password } = auth.egress
  return password instanceof FollowedFile ? [password] : []
}

function readCaBundle(file: string): string | undefined {
  if (file === '') return undefined
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new Error(`auth.egress.tls_config.ca_bundle_file can’t be read: ${(cause as Error).message}`, {
      cause,
    })
  }
}

function rulesOf(config: Config): SplitRules {
  const { tenant, limits } = config
  const { route } = config.metadata
  return {
    labels: tenant.labels,
    precedence: tenant.precedence,
    strip: tenant.strip,
    prefix: tenant.prefix,
    defaultTenant: tenant.defaultTenant,
    missing: tenant.missing,
    invalid: tenant.invalid,
    format: tenant.format,
    output: 'same',
    metadata: route === 'drop' || route === 'default' ? route : 'report',
    families: 'none',
    haLabels: config.lanes.haLabels,
    compression: config.egress.compression,
    maxDecodedBytes: limits.maxDecodedBytes,
    maxOutputBytes: limits.maxSplitOutputBytes,
    maxTenants: limits.maxTenantsPerPush,
    maxSeries: limits.maxSeries,
  }
}

function createMetricsServer(registry: Registry): FastifyInstance {
  const server = Fastify({ logger: false, forceCloseConnections: true })
  server.get('/metrics', async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  )
  return server
}

async function listen(server: FastifyInstance, { host, port }: Address): Promise<void> {
  await server.listen({ host: host === '' ? everyInterface() : host, port })
}

/** `::` takes IPv4 too, but can't be had where there is no IPv6. */
function everyInterface(): string {
  const addresses = Object.values(networkInterfaces()).flat()
  return addresses.some(address => address?.family === 'IPv6') ? '::' : '0.0.0.0'
}

function urlOf(server: FastifyInstance, scheme: string): string {
  const { address, family, port } = server.server.address() as AddressInfo
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

function follow(
  server: HttpsServer,
  tls: Certificate,
  files: { certFile: string; keyFile: string },
  log: Logger,
  signal: AbortSignal,
): void {
  followCertificate(tls, {
    server,
    read: () => readCertificate(files),
    changed: () => log.info({ file: files.certFile }, 'the certificate changed and is served from now on'),
    failed: err => log.warn({ err }, 'the certificate changed and can’t be used; the old one is served on'),
    intervalMs: CERTIFICATE_INTERVAL_MS,
    signal,
  })
}
