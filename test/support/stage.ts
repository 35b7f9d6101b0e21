/** Sluice as a process of its own, between a test that pushes and a store that records. */
import { compress } from 'snappyjs'
import { message, series } from './messages.ts'
import { type Receiver, startReceiver } from './receiver.ts'
import { decodePush, PUSH_HEADERS } from './remote-write.ts'
import { type Answer, type Question, request } from './request.ts'
import { type Sluice, startSluice } from './splitter.ts'

type LabelSet = Readonly<Record<string, string>>

/** One share as the store got it. */
interface Stored {
  /** By the tenant header. */
  readonly tenant: string | undefined
  readonly series: readonly LabelSet[]
}

export interface Stage extends AsyncDisposable {
  readonly store: Receiver
  readonly sluice: Sluice
  /** Pushes series with these labels, one sample each. */
  push(list: readonly LabelSet[], question?: Question): Promise<Answer>
  /** Pushes a body as it is. */
  send(body: Uint8Array, question?: Question): Promise<Answer>
  /** Puts another configuration (or text) in the place of the one in force, and asks for it to be taken. */
  reload(config: Readonly<Record<string, unknown>> | string): Promise<Answer>
  /** What the store has got since this was last asked, by tenant. */
  stored(): readonly Stored[]
  /** The value of a sample of /metrics, labels as they are printed; undefined where there is none. */
  metric(sample: string): Promise<number | undefined>
}

export interface StageOptions {
  readonly config?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
  readonly store?: Receiver
  /** Port for pushes, where `config` says `listen`. */
  readonly port?: number
}

/** Starts both. The tenant label is `tenant` unless `config` has a `tenant` section. */
export async function startStage(options: StageOptions = {}): Promise<Stage> {
  const { config = {}, env = {}, port } = options
  const store = options.store ?? (await startReceiver())
  const sluice = await startSluice({
    storeUrl: `${store.url}/api/v1/push`,
    config: { tenant: { label: 'tenant' }, ...config },
    env,
    ...(port === undefined ? {} : { port }),
  })
  const filled = (config: Readonly<Record<string, unknown>>) => ({ tenant: { label: 'tenant' }, ...config })
  const send = (body: Uint8Array, question: Question = {}) => {
    const headers = { ...PUSH_HEADERS['1.0'], ...question.headers }
    return request(sluice.url, { ...question, body, headers })
  }
  return {
    store,
    sluice,
    send,
    push: (list, question) => send(bodyOf(list), question),
    reload(next) {
      sluice.configure(typeof next === 'string' ? next : filled(next))
      return request(new URL('/-/reload', sluice.metricsUrl))
    },
    stored() {
      const shares = store.received.splice(0).map(({ headers, body }) => ({
        tenant: headers['x-scope-orgid'] as string | undefined,
        series: decodePush(body, '1.0').map(({ labels }) => Object.fromEntries(labels)),
      }))
      return shares.sort((a, b) => ((a.tenant ?? '') < (b.tenant ?? '') ? -1 : 1))
    },
    async metric(sample) {
      const { body } = await request(sluice.metricsUrl, { method: 'GET' })
      const line = body.split('\n').find(it => it.startsWith(`${sample} `))
      return line === undefined ? undefined : Number(line.slice(sample.length + 1))
    },
    async [Symbol.asyncDispose]() {
      await sluice.end('SIGKILL')
      await store[Symbol.asyncDispose]()
    },
  }
}

/** A remote write 1.0 body of series with these labels and one sample each. */
export function bodyOf(list: readonly LabelSet[]): Uint8Array {
  return compressed(
    message(
      '1.0',
      list.map(labels => series(labels)),
    ),
  )
}

/** A message as a snappy block. */
export function compressed(bytes: Uint8Array): Uint8Array {
  return compress(new Uint8Array(bytes))
}
