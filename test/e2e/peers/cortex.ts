/** A Cortex in one process, multi-tenant: the store whose tenants the scenarios look at. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { freePort } from '../../support/free-port.ts'
import { Child, scratchDir } from './child.ts'
import type { QueryApi } from './query-api.ts'

export class Cortex {
  readonly url: string
  readonly #child: Child

  static async start(binary: string, { remoteWrite2 = false } = {}): Promise<Cortex> {
    const dir = await scratchDir('cortex')
    for (const part of ['rules', 'alertmanager']) await mkdir(join(dir, part))
    const [http, grpc] = [await freePort(), await freePort()]
    await writeFile(join(dir, 'cortex.yaml'), stringify(configOf(http, grpc, remoteWrite2)))
    const url = `http://127.0.0.1:${http}`
    const args = ['-config.file=cortex.yaml']
    const readyUrl = `${url}/ready`
    return new Cortex(url, await Child.start({ name: 'cortex', command: binary, args, dir, readyUrl }))
  }

  private constructor(url: string, child: Child) {
    this.url = url
    this.#child = child
  }

  get pushUrl(): string {
    return `${this.url}/api/v1/push`
  }

  as(tenant: string): QueryApi {
    return { url: `${this.url}/prometheus`, headers: { 'X-Scope-OrgID': tenant } }
  }

  /** Everybody who ever stored a series, sorted. */
  async tenants(): Promise<string[]> {
    const response = await fetch(`${this.url}/distributor/all_user_stats`, {
      headers: { accept: 'application/json' },
    })
    const stats = (await response.json()) as readonly { readonly userID: string }[]
    return stats.map(one => one.userID).sort()
  }

  /** How many pushes it took in: `prw1` or `prw2`. */
  async pushes(type: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text()
    const count = text.match(new RegExp(`^cortex_distributor_push_requests_total{type="${type}"} (.+)$`, 'm'))
    return Number(count?.[1] ?? 0)
  }

  stop(): Promise<void> {
    return this.#child.stop()
  }
}

function configOf(http: number, grpc: number, remoteWrite2: boolean): object {
  const ring = { kvstore: { store: 'inmemory' } }
  return {
    auth_enabled: true,
    server: {
      http_listen_address: '127.0.0.1',
      http_listen_port: http,
      grpc_listen_address: '127.0.0.1',
      grpc_listen_port: grpc,
      log_level: 'warn',
    },
    distributor: { shard_by_all_labels: true, remote_writev2_enabled: remoteWrite2 },
    limits: { enable_native_histograms: true, max_exemplars: 10_000 },
    ingester: {
      lifecycler: {
        address: '127.0.0.1',
        join_after: '0s',
        min_ready_duration: '0s',
        final_sleep: '0s',
        num_tokens: 16,
        ring: { ...ring, replication_factor: 1 },
      },
    },
    blocks_storage: {
      backend: 'filesystem',
      tsdb: { dir: './tsdb' },
      filesystem: { dir: './blocks' },
      bucket_store: { sync_dir: './sync' },
    },
    compactor: { data_dir: './compactor', sharding_ring: ring },
    ruler_storage: { backend: 'local', local: { directory: './rules' } },
    alertmanager: {
      external_url: `http://127.0.0.1:${http}/alertmanager`,
      data_dir: './alertmanager-state',
      // By default it gossips, on a fixed port.
      cluster: { listen_address: '' },
    },
    alertmanager_storage: { backend: 'local', local: { path: './alertmanager' } },
  }
}
