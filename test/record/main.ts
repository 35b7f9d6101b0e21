/**
 * `npm run record`: pushes of a real Prometheus, byte by byte, for test/fixtures. Its target is scraped some
 * times and then goes away. Of all pushes it keeps the first one that holds each of: samples, exemplars, metadata of its
 * own (1.0), stale markers.
 *
 *     npm run record -- --prometheus prometheus --protocol 2.0 --out test/fixtures/prometheus-3.5/rw2
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { stringify } from 'yaml'
import { Child, scratchDir } from '../e2e/peers/child.ts'
import { decodeMessage, type MessageSeen, unsnappy } from '../support/decode.ts'
import { freePort } from '../support/free-port.ts'
import { answerWith, startReceiver } from '../support/receiver.ts'
import { Target } from './target.ts'

const SCRAPED_MS = 6_000
const STALE_MS = 4_000
/** A stale marker as a Sample carries it: field 1, a double of these bits, least first. */
const STALE = '09020000000000f07f'

const { values: args } = parseArgs({
  options: {
    prometheus: { type: 'string', default: 'prometheus' },
    protocol: { type: 'string', default: '2.0' },
    out: { type: 'string' },
  },
})
const { protocol, out } = args
if (out === undefined) throw new Error('--out is missing')
if (protocol !== '1.0' && protocol !== '2.0') throw new Error('--protocol is 1.0 or 2.0')

const pushes = await record(args.prometheus, protocol)
const wanted: Readonly<Record<string, (push: MessageSeen) => boolean>> = {
  samples: push => push.series.some(({ samples }) => samples.length > 0),
  exemplars: push => push.series.some(({ exemplarCount }) => exemplarCount > 0),
  metadata: push => push.metadata.length > 0,
  stale: push => push.series.some(({ samples }) => samples.some(it => it.startsWith(STALE))),
}
const kept = new Map<number, string[]>()
for (const [what, has] of Object.entries(wanted)) {
  const n = pushes.findIndex(({ body }) => has(decodeMessage(protocol, unsnappy(body))))
  if (n >= 0) kept.set(n, [...(kept.get(n) ?? []), what])
}

await mkdir(out, { recursive: true })
for (const [n, whats] of kept) {
  const { body, method, headers } = pushes[n]!
  const name = String(n + 1).padStart(3, '0')
  // The address is of no use to a reader, and another one in every recording.
  const { host: _, ...rest } = headers
  await writeFile(join(out, `${name}.bin`), body)
  await writeFile(
    join(out, `${name}.headers.json`),
    `${JSON.stringify({ method, headers: rest }, undefined, 1)}\n`,
  )
  process.stdout.write(`${name}: ${body.length} bytes, first with ${whats.join(' and ')}\n`)
}

/** Every push of one run, in order. */
async function record(binary: string, protocol: '1.0' | '2.0') {
  // 2.0 senders take an answer without these for a store that wrote nothing.
  const written = ['samples', 'histograms', 'exemplars'].map(
    kind => [`x-prometheus-remote-write-${kind}-written`, '1000'] as const,
  )
  await using store = await startReceiver(
    answerWith(204, '', protocol === '2.0' ? Object.fromEntries(written) : {}),
  )
  const target = await Target.start()
  const dir = await scratchDir('record')
  const address = `127.0.0.1:${await freePort()}`
  await writeFile(join(dir, 'prometheus.yml'), stringify(configOf(target.address, store.url, protocol)))
  const child = await Child.start({
    name: 'prometheus',
    command: binary,
    args: [
      '--config.file=prometheus.yml',
      '--storage.tsdb.path=tsdb',
      `--web.listen-address=${address}`,
      '--enable-feature=metadata-wal-records,native-histograms,exemplar-storage',
      '--log.level=warn',
    ],
    dir,
    readyUrl: `http://${address}/-/ready`,
  })
  await sleep(SCRAPED_MS)
  target.stop()
  await sleep(STALE_MS)
  await child.stop()
  return [...store.received]
}

function configOf(target: string, store: string, protocol: '1.0' | '2.0'): object {
  const message = protocol === '1.0' ? 'prometheus.WriteRequest' : 'io.prometheus.write.v2.Request'
  return {
    global: { scrape_interval: '1s', scrape_timeout: '1s' },
    scrape_configs: [{ job_name: 'shop', static_configs: [{ targets: [target] }] }],
    remote_write: [
      {
        url: `${store}/api/v1/push`,
        protobuf_message: message,
        send_exemplars: true,
        send_native_histograms: true,
        metadata_config: { send_interval: '3s' },
        queue_config: { batch_send_deadline: '1s', min_shards: 1, max_shards: 1 },
      },
    ],
  }
}
