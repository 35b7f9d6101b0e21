/** One run of the ledger: senders → Sluice → fault proxy → recording store, and the balance of it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { FaultProxy } from '../support/fault-proxy.ts'
import { freePort } from '../support/free-port.ts'
import { Book, type BookOptions } from './book.ts'
import { Chaos, seeded } from './chaos.ts'
import { type Balance, balance } from './check.ts'
import { killNowAndThen } from './killer.ts'
import { Whereabouts } from './layout.ts'
import { Reloader, type ReloadReport } from './reloader.ts'
import { RestartableSluice, RestartableStore } from './restartable.ts'
import { LedgerSender, type PushOutcome, type SenderOptions } from './sender.ts'

export interface LedgerOptions extends BookOptions, Omit<SenderOptions, 'url' | 'protocol'> {
  readonly seconds: number
  /** How long the senders may then take to finish the push they are at. */
  readonly graceSeconds: number
  readonly protocol: '1.0' | '2.0' | 'both'
  readonly faults: boolean
  /** Faults after which senders drop data, too. */
  readonly losing: boolean
  /** How long the proxy stays at one kind of trouble, about. */
  readonly phaseMs: number
  /** SIGKILL and SIGTERM to Sluice, SIGKILL to the store, about this often; 0 never. */
  readonly killEverySeconds: number
  /** So many new configurations, one after the other; not with kills. The run lasts until all have come. */
  readonly reloads: number
  readonly reloadEveryMs: number
  readonly seed: number
  /** Keys as in sluice.yaml. */
  readonly config: Readonly<Record<string, unknown>>
  readonly tell: (line: string) => void
}

export interface LedgerReport {
  readonly balance: Balance
  readonly pushes: Readonly<Record<PushOutcome['end'] | 'sentAgain', number>>
  /** Answers that the senders got, by status; `network` for none. */
  readonly statuses: Readonly<Record<string, number>>
  readonly faults: Readonly<Record<string, number>>
  readonly phases: readonly string[]
  readonly kills: Readonly<Record<string, number>>
  /** Undefined without. */
  readonly reloads: ReloadReport | undefined
  /** Requests that the store could not read in its last life: a bug of the splitter. */
  readonly unreadable: number
  /** In-flight gauges of Sluice that were not 0 when all was over. */
  readonly busyGauges: readonly string[]
  /** Sluice's exit code after SIGTERM at the end. */
  readonly exitCode: number | null
}

const PROGRESS_MS = 10_000

/** Everything that it starts is gone when it resolves or rejects. */
export async function runLedger(options: LedgerOptions): Promise<LedgerReport> {
  const random = seeded(options.seed)
  const chaos = new Chaos({ ...options, random })
  const dir = mkdtempSync(join(tmpdir(), 'sluice-ledger-'))
  const store = new RestartableStore(dir, await freePort())
  const proxy = await FaultProxy.start(store.port, random)
  const sluice = new RestartableSluice(`http://127.0.0.1:${proxy.port}/push`, options.config)
  const stop = new AbortController()
  const finish = new AbortController()
  const answered = new Set<number>()
  proxy.onEnd = (request, end) => {
    if (end.forwarded && end.answered >= 200 && end.answered < 300) answered.add(request.number)
  }
  try {
    await store.start()
    const url = await sluice.start()
    const book = new Book(options)
    const senders = Array.from({ length: options.senders }, (_, n) => {
      const protocol = options.protocol === 'both' ? (n % 2 === 0 ? '1.0' : '2.0') : options.protocol
      return new LedgerSender(book, n, { ...options, url, protocol })
    })

    if (options.faults) proxy.decide = request => chaos.decide(request)
    const sending = Promise.all(senders.map(sender => sender.run(finish.signal, stop.signal)))
    const everySeconds = options.killEverySeconds
    const killing =
      everySeconds > 0
        ? killNowAndThen({ ...options, everySeconds, random, sluice, store }, finish.signal)
        : Promise.resolve({})
    // Awaited below; without this a failure before that would be nobody's.
    killing.catch(() => finish.abort())
    const whereabouts = new Whereabouts()
    const reloader = new Reloader({ ...options, sluice, whereabouts, everyMs: options.reloadEveryMs })
    await Promise.all([passTime(options, senders, chaos, finish.signal), reloader.run(finish.signal)])

    // From here on without faults, so that every push that can be delivered is.
    finish.abort()
    const kills = await killing
    proxy.always({ kind: 'pass' })
    const grace = setTimeout(() => stop.abort(), options.graceSeconds * 1_000)
    await sending
    clearTimeout(grace)

    const unreadable = await store.unreadable()
    const reloads = options.reloads > 0 ? await reloader.report() : undefined
    const busyGauges = await sluice.busyGauges()
    const exitCode = await sluice.end('SIGTERM')
    await store.kill()
    const outcomes = senders.map(sender => sender.outcomes)
    return {
      balance: balance({
        book,
        outcomes,
        entries: store.entries(),
        answered: number => answered.has(number),
        mayHold: (...asked) => whereabouts.mayHold(...asked),
      }),
      pushes: countPushes(outcomes.flat()),
      statuses: countStatuses(senders),
      faults: chaos.counts,
      phases: chaos.history,
      kills,
      reloads,
      unreadable,
      busyGauges,
      exitCode,
    }
  } finally {
    finish.abort()
    stop.abort()
    await sluice.end('SIGKILL')
    await store.kill()
    await proxy.close()
    rmSync(dir, { recursive: true, force: true })
  }
}

async function passTime(
  options: LedgerOptions,
  senders: readonly LedgerSender[],
  chaos: Chaos,
  cut: AbortSignal,
): Promise<void> {
  const end = Date.now() + options.seconds * 1_000
  while (Date.now() < end && !cut.aborted) {
    await sleep(Math.min(PROGRESS_MS, end - Date.now()), undefined, { signal: cut }).catch(() => undefined)
    const pushes = senders.reduce((sum, sender) => sum + sender.outcomes.length, 0)
    const left = Math.max(0, Math.round((end - Date.now()) / 1_000))
    options.tell(`${pushes} pushes ended, ${left} s to go, ${chaos.history.at(-1) ?? 'no faults'}`)
  }
}

function countPushes(outcomes: readonly PushOutcome[]): LedgerReport['pushes'] {
  const counts = { acknowledged: 0, refused: 0, open: 0, sentAgain: 0 }
  for (const { end, attempts } of outcomes) {
    counts[end]++
    if (attempts > 1) counts.sentAgain++
  }
  return counts
}

function countStatuses(senders: readonly LedgerSender[]): Readonly<Record<string, number>> {
  const all: Record<string, number> = {}
  for (const { statuses } of senders)
    for (const [status, n] of Object.entries(statuses)) all[status] = (all[status] ?? 0) + n
  return all
}
