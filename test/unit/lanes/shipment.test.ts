import { expect, test } from 'vitest'
import { Sender } from '../../../src/lanes/quarantine.ts'
import { Shipment } from '../../../src/lanes/shipment.ts'
import type { Share } from '../../../src/remote-write/split.ts'
import { localVerdict } from '../../../src/share/verdict.ts'

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
