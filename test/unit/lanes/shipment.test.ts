import { expect, test } from 'vitest'
import { Shipment } from '../../../src/lanes/shipment.ts'
import { localVerdict } from '../../../src/share/verdict.ts'
import { context, NOWHERE, share } from '../../support/shares.ts'

const verdict = localVerdict('for a test')

test('a share that has ended leads to no batch any more, which would lead to other pushes', () => {
  const { shares } = new Shipment(
    { shares: [share('a'), share('b')], destinations: [NOWHERE, NOWHERE] },
    context(),
  )
  const [settled, calledOff] = shares as [(typeof shares)[0], (typeof shares)[0]]
  for (const queued of shares) queued.carrier = { leave: () => true }
  settled.settle(verdict)
  calledOff.callOff(verdict)
  expect(shares.map(it => it.carrier)).toEqual([undefined, undefined])
})
