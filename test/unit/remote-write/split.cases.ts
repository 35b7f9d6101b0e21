/**
 * What every engine does, said once. `splitCases` runs on the reference and on each faster engine; a case that an
 * engine can't pass yet is skipped by its title, with the reason.
 *
 * Not compared: `detail` (only that it is short and printable) and how well a share is compressed.
 */
import { describe, it } from 'vitest'
import type { Split } from '../../../src/remote-write/split.ts'
import { asideCases } from './cases/aside.ts'
import { convertCases } from './cases/convert.ts'
import { faultCases } from './cases/faults.ts'
import { foldCases } from './cases/fold.ts'
import { internedCases } from './cases/interned.ts'
import { recordedCases } from './cases/recorded.ts'
import { reportedCases } from './cases/reported.ts'
import { requestCases } from './cases/request-v2.ts'
import { shareCases } from './cases/shares.ts'
import { snappyCases } from './cases/snappy.ts'
import { spelledCases } from './cases/spelled.ts'
import { tenantCases } from './cases/tenants.ts'

export type Case = (title: string, run: () => void) => void

export function splitCases(engine: string, split: Split, skip: Readonly<Record<string, string>> = {}): void {
  const check: Case = (title, run) => {
    const reason = skip[title]
    if (reason === undefined) it(title, run)
    else it.skip(`${title} (skipped: ${reason})`, run)
  }
  describe(engine, () => {
    describe('blocks', () => snappyCases(check, split))
    describe('faults', () => faultCases(check, split))
    describe('tenants', () => tenantCases(check, split))
    describe('shares', () => shareCases(check, split))
    describe('requests of 2.0', () => requestCases(check, split))
    describe('what is reported', () => reportedCases(check, split))
    describe('shares in the other protocol', () => convertCases(check, split))
    describe('shares of 1.0 from 2.0', () => spelledCases(check, split))
    describe('shares of 2.0 from 1.0', () => internedCases(check, split))
    describe('exemplars of their own in shares of 2.0', () => foldCases(check, split))
    describe('metadata beside shares of 2.0', () => asideCases(check, split))
    describe('recorded pushes', () => recordedCases(check, split))
  })
}
