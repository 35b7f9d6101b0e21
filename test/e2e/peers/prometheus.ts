/** A Prometheus: the sender of every scenario, and with `receiver` a store that takes remote write. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { stringify } from 'yaml'
import { freePort } from '../../support/free-port.ts'
import { Child, scratchDir } from './child.ts'
import { type Labels, scalar } from './query-api.ts'

interface ScrapeJob {
  readonly job: string
  /** Without an address it is the Prometheus itself. */
  readonly address?: string
  readonly labels?: Labels
  readonly interval: string
}

export interface PrometheusOptions {
  readonly jobs?: readonly ScrapeJob[]
  /** URLs to push to. */
  readonly remoteWrite?: readonly string[]
  /** What it pushes, and as a receiver understands; 2.0 takes a Prometheus 3. */
  readonly protocol?: '1.0' | '2.0'
  readonly receiver?: boolean
  /** How often it sends its metadata, in 1.0; a minute by default. */
  readonly metadataInterval?: string
}

export class Prometheus {
  readonly url: string
  readonly #child: Child

  static async start(binary: string, options: PrometheusOptions): Promise<Prometheus> {
    const dir = await scratchDir('prometheus')
    const address = `127.0.0.1:${await freePort()}`
    await writeFile(join(dir, 'prometheus.yml'), stringify(configOf(options, address)))
    const args = [
      '--config.file=prometheus.yml',
      '--storage.tsdb.path=tsdb',
      `--web.listen-address=${address}`,
      `--enable-feature=${FEATURES[options.protocol ?? '1.0']}`,
      '--log.level=warn',
    ]
    if (options.receiver) args.push('--web.enable-remote-write-receiver')
    const url = `http://${address}`
    const readyUrl = `${url}/-/ready`
    return new Prometheus(
      url,
      await Child.start({ name: 'prometheus', command: binary, args, dir, readyUrl }),
    )
  }

  private constructor(url: string, child: Child) {
    this.url = url
    this.#child = child
  }

  /** Resolves when every target that was scraped at all has been scraped that often. */
  async scraped(times: number): Promise<void> {
    const query = 'min(count_over_time(up[1m]))'
    await vi.waitFor(
      async () => expect(await scalar(this, query, Date.now() / 1000)).toBeGreaterThanOrEqual(times),
      { timeout: 60_000, interval: 500 },
    )
  }

  /** What its remote write has sent, and what it has given up for lost, summed over all queues. */
  async sent(): Promise<{ readonly samples: number; readonly lost: Readonly<Record<string, number>> }> {
    const text = await (await fetch(`${this.url}/metrics`)).text()
    const lost: Record<string, number> = {}
    for (const kind of ['samples', 'histograms', 'exemplars']) {
      lost[`${kind}_failed`] = sum(text, `prometheus_remote_storage_${kind}_failed_total`)
      // Prometheus 3 shows this one with a reason, and only once there is one.
      lost[`${kind}_dropped`] = sum(text, `prometheus_remote_storage_${kind}_dropped_total`, 0)
    }
    return { samples: sum(text, 'prometheus_remote_storage_samples_total'), lost }
  }

  stop(): Promise<void> {
    return this.#child.stop()
  }
}

/** Without the records of metadata in its log, a Prometheus sends 2.0 without any. */
const FEATURES = {
  '1.0': 'native-histograms,exemplar-storage',
  '2.0': 'native-histograms,exemplar-storage,metadata-wal-records',
} as const

/** What `sent` says of a sender that lost nothing. */
export const NOTHING_LOST = {
  samples_failed: 0,
  samples_dropped: 0,
  histograms_failed: 0,
  histograms_dropped: 0,
  exemplars_failed: 0,
  exemplars_dropped: 0,
}

/** The sum of a metric over all its series in a text exposition. */
function sum(exposition: string, name: string, absent?: number): number {
  const lines = exposition
    .split('\n')
    .filter(line => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
  if (lines.length === 0 && absent !== undefined) return absent
  if (lines.length === 0) throw new Error(`there is no ${name}`)
  return lines.reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

function configOf(options: PrometheusOptions, self: string): object {
  const { jobs = [], remoteWrite = [], protocol, metadataInterval = '1m' } = options
  return {
    global: { scrape_interval: '2s', scrape_timeout: '1s' },
    scrape_configs: jobs.map(({ job, address, labels, interval }) => ({
      job_name: job,
      scrape_interval: interval,
      static_configs: [{ targets: [address ?? self], ...(labels ? { labels } : {}) }],
    })),
    // Small and quick, so that a test does not wait for a batch to fill; several shards push at the same time.
    remote_write: remoteWrite.map(url => ({
      url,
      ...(protocol === '2.0' ? { protobuf_message: 'io.prometheus.write.v2.Request' } : {}),
      send_exemplars: true,
      send_native_histograms: true,
      metadata_config: { send_interval: metadataInterval },
      queue_config: {
        batch_send_deadline: '500ms',
        max_samples_per_send: 500,
        capacity: 2500,
        min_shards: 2,
        max_shards: 4,
      },
    })),
  }
}
