import { describe, expect, test } from 'vitest'
import { parseAddress } from '../../../src/schema/address.ts'

describe('an address', () => {
  test.each([
    ['127.0.0.1:8080', '127.0.0.1', 8080],
    [':8080', '', 8080],
    ['0.0.0.0:8080', '0.0.0.0', 8080],
    ['localhost:0', 'localhost', 0],
    ['my-host.example.com:65535', 'my-host.example.com', 65_535],
    ['[::1]:8080', '::1', 8080],
    ['[::]:9090', '::', 9090],
  ])('%s is host %s and port %d', (text, host, port) => {
    expect(parseAddress(text)).toEqual({ host, port })
  })

  test.each([
    ...['', '8080', 'host', 'host:', ':', 'host:http', 'host:65536', 'host:-1', '::1:8080', '[::1]', '[]:80'],
    ...[
      '[host]:80',
      '1.2.3:80',
      '256.0.0.1:80',
      'a b:80',
      'http://host:80',
      '-host:80',
      'host-:80',
      ' :80',
      '*:80',
    ],
  ])('%j is refused', text => {
    expect(parseAddress(text)).toBeUndefined()
  })
})
