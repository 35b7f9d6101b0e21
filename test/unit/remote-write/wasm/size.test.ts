/** How small shares get: as Google's own code makes them, give or take one in a hundred. */
import { readdirSync, readFileSync } from 'node:fs'
import { compressSync } from 'snappy'
import { expect, it } from 'vitest'
import type { Protocol } from '../../../../src/remote-write/split.ts'
import { unsnappy } from '../../../support/decode.ts'
import { freshKernel } from '../../../support/kernel.ts'
import { rules } from '../../../support/messages.ts'
import { done } from '../../../support/split.ts'

const RECORDED = new URL('../../../fixtures/prometheus-3.14/', import.meta.url)

it.each<[folder: string, Protocol]>([
  ['rw1/', '1.0'],
  ['rw2/', '2.0'],
])(
  'shares of recorded pushes in %s are at most one percent larger than native snappy makes them',
  (folder, protocol) => {
    const split = freshKernel()
    let ours = 0
    let native = 0
    for (const file of readdirSync(new URL(folder, RECORDED)).filter(name => name.endsWith('.bin'))) {
      const body = new Uint8Array(readFileSync(new URL(folder + file, RECORDED)))
      const kept = rules({ strip: true, defaultTenant: 'none', missing: 'default', metadata: 'default' })
      for (const share of done(split({ body, encoding: 'snappy', protocol }, kept)).shares) {
        ours += share.body.length
        native += compressSync(unsnappy(share.body)).length
      }
    }
    expect(native).toBeGreaterThan(10_000)
    expect(ours / native).toBeLessThan(1.01)
  },
)
