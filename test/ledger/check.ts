/** Compares what was acknowledged with what was stored. */
import type { Book, Origin } from './book.ts'
import type { Entry } from './journal.ts'
import type { PushOutcome } from './sender.ts'

/** The figures up to `underclaimed` must be 0. */
export interface Balance {
  /** Samples that were acknowledged and are not stored under their tenant. */
  readonly lost: number
  /** Copies that are stored under another tenant than their own. */
  readonly leaked: number
  /** Copies with a value that nobody sent, or with other labels or another time than they were sent with. */
  readonly damaged: number
  /** Second copies of a sample whose first one was delivered and answered whole, in a push that was sent once. */
  readonly needlessCopies: number
  /** Samples whose first copy came after a newer one of the same series. */
  readonly outOfOrder: number
  /** Requests that hold series of different HA replicas: a store would drop one replica's. */
  readonly mixedReplicas: number
  /** Copies at a store that was not their tenant's while their push was under way. */
  readonly misplaced: number
  /** 2.0: samples that an answer called written, beyond what is stored of that push. */
  readonly overclaimed: number
  /** 2.0: samples of acknowledged pushes that no answer called written; the sender would count them as lost. */
  readonly underclaimed: number
  readonly samplesSent: number
  readonly samplesAcknowledged: number
  /** Distinct samples in the store, under their own tenant. */
  readonly samplesStored: number
  /** Further copies of them. */
  readonly copies: number
  /** Copies of samples that were delivered and answered whole before, in a push that was sent again. */
  readonly copiesAfterDelivery: number
  /** Copies that came after a newer sample of the same series; a TSDB refuses these. */
  readonly lateCopies: number
  readonly requestsStored: number
}

export interface CheckInput {
  readonly book: Book
  /** Of each sender, of each of its pushes. */
  readonly outcomes: readonly (readonly PushOutcome[])[]
  readonly entries: Iterable<Entry>
  /** Whether the splitter got the store's whole 2xx for that request. */
  readonly answered: (request: number) => boolean
  /** Whether a tenant may be at a store between two times; each may at any by default. */
  readonly mayHold?: (store: string, tenant: string, begun: number, ended: number) => boolean
}

export function balance({ book, outcomes, entries, answered, mayHold = () => true }: CheckInput): Balance {
  const { series } = book.options
  // Per sender, at push × series + index: number of copies, and 1 where one of them was answered.
  const copies = outcomes.map(pushes => new Uint8Array(pushes.length * series))
  const delivered = outcomes.map(pushes => new Uint8Array(pushes.length * series))
  const newest = outcomes.map(() => new Int32Array(series).fill(-1))
  const found = {
    leaked: 0,
    damaged: 0,
    needlessCopies: 0,
    outOfOrder: 0,
    mixedReplicas: 0,
    misplaced: 0,
    samplesStored: 0,
    copies: 0,
    copiesAfterDelivery: 0,
    lateCopies: 0,
    requestsStored: 0,
  }

  const record = ({ sender, push, index }: Origin, whole: boolean): void => {
    const at = push * series + index
    const late = push < newest[sender]![index]!
    if (copies[sender]![at]! > 0) {
      found.copies++
      if (late) found.lateCopies++
      if (delivered[sender]![at] === 1) {
        if (outcomes[sender]![push]!.attempts > 1) found.copiesAfterDelivery++
        else found.needlessCopies++
      }
    } else {
      found.samplesStored++
      if (late) found.outOfOrder++
    }
    copies[sender]![at] = Math.min(255, copies[sender]![at]! + 1)
    if (whole) delivered[sender]![at] = 1
    newest[sender]![index] = Math.max(push, newest[sender]![index]!)
  }

  for (const { request, store, tenant, samples } of entries) {
    found.requestsStored++
    const replicas = new Set<string>()
    const whole = answered(request)
    for (const { value, timestamp, labelsHash } of samples) {
      const origin = book.origin(value)
      const outcome = origin && outcomes[origin.sender]![origin.push]
      if (origin === undefined || outcome === undefined) {
        found.damaged++
        continue
      }
      const [begun, ended] = outcome.span ?? [0, 0]
      if (!mayHold(store, tenant, begun, ended)) found.misplaced++
      replicas.add(book.replica(origin.sender))
      if (!book.intact(origin, labelsHash, timestamp)) found.damaged++
      if (book.tenant(origin) === tenant) record(origin, whole)
      else found.leaked++
    }
    if (replicas.size > 1) found.mixedReplicas++
  }

  let lost = 0
  let acknowledged = 0
  let overclaimed = 0
  let underclaimed = 0
  outcomes.forEach((pushes, sender) => {
    pushes.forEach(({ end, claimed }, push) => {
      const missing = copies[sender]!.subarray(push * series, (push + 1) * series).filter(n => n === 0).length
      if (claimed !== undefined) overclaimed += Math.max(0, claimed.largest - (series - missing))
      if (end !== 'acknowledged') return
      acknowledged += series
      lost += missing
      if (claimed !== undefined) underclaimed += Math.max(0, series - claimed.total)
    })
  })
  const sent = outcomes.reduce((sum, pushes) => sum + pushes.length * series, 0)
  return {
    lost,
    ...found,
    overclaimed,
    underclaimed,
    samplesSent: sent,
    samplesAcknowledged: acknowledged,
  }
}

/** What must be 0, by name, where it isn't. */
export function complaints(found: Balance): readonly string[] {
  const musts = [
    'lost',
    'leaked',
    'damaged',
    'needlessCopies',
    'outOfOrder',
    'mixedReplicas',
    'misplaced',
    'overclaimed',
    'underclaimed',
  ] as const
  return musts.filter(name => found[name] > 0).map(name => `${name}: ${found[name]}`)
}
