import { describe, expect, test } from 'vitest'
import { nodeExporterScrape } from '../../support/exposition.ts'
import { decodePush, encodePush, type Series } from '../../support/remote-write.ts'

describe.each(['1.0', '2.0'] as const)('a %s push of the test tools', protocol => {
  test('reads back as it was written', () => {
    const pushed: Series[] = nodeExporterScrape().map(({ name, labels, value }, n) => ({
      labels: [['__name__', name], ...labels],
      value,
      timestamp: 1_795_000_000_000 + n,
    }))
    expect(pushed.length).toBeGreaterThan(200)
    expect(decodePush(encodePush(pushed, protocol), protocol)).toEqual(pushed)
  })

  test('is not read from bytes that are no push', () => {
    expect(() => decodePush(new Uint8Array([5, 16, 65, 66]), protocol)).toThrow()
  })
})
