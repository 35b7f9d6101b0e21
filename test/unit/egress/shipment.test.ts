import { expect, test } from 'vitest'
import { Sender } from '../../../src/egress/sender.ts'
import { Shipment } from '../../../src/egress/shipment.ts'
import { localVerdict } from '../../../src/egress/verdict.ts'
import type { Share } from '../../../src/split/split.ts'

const context = { sender: new Sender(), headers: {}, forwarded: '', deadline: 0 }
const verdict = localVerdict('for a test')

test('a share that has ended leads to no batch any more, which would lead to other pushes', () => {
  const { shares } = new Shipment([{} as Share, {} as Share], context)
  const [settled, calledOff] = shares as [(typeof shares)[0], (typeof shares)[0]]
  for (const queued of shares) queued.carrier = { leave: () => true }
  settled.settle(verdict)
  calledOff.callOff(verdict)
  expect(shares.map(it => it.carrier)).toEqual([undefined, undefined])
})
