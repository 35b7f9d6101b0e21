import { describe, expect, test } from 'vitest'
import { Misfit } from '../../../src/schema/problem.ts'
import { maskUserinfo, parseTarget } from '../../../src/schema/target.ts'

describe('a target', () => {
  test.each([
    ['http://store:9009/api/v1/push', 'http://store:9009', ['/api/v1/push']],
    ['HTTPS://Store.Example.com:443/x', 'https://store.example.com', ['/x']],
    ['http://[::1]:8480', 'http://[::1]:8480', ['/']],
    ['http://store?debug=1', 'http://store', ['/?debug=1']],
    ['http://store/a%2Fb?x=%20', 'http://store', ['/a%2Fb?x=%20']],
    ['http://vm:8480/insert/{tenant}/write', 'http://vm:8480', ['/insert/', '/write']],
    ['http://vm/{tenant}:0/{tenant}?a=b', 'http://vm', ['/', ':0/', '?a=b']],
  ])('%s is %s and %j', (text, origin, pathParts) => {
    expect(parseTarget(text)).toEqual({ origin, pathParts })
  })

  test.each([
    ['127.0.0.1:9090', 'starts with http:// or https://'],
    ['ftp://store/x', 'starts with http:// or https://'],
    ['http:///path', 'has a host'],
    ['http://:80/x', 'valid host and port'],
    ['http://store:99999/', 'valid host and port'],
    ['http://a b/', 'valid host and port'],
    ['http://user:pass@store/', 'without credentials'],
    ['http://store/#top', 'without a fragment'],
    ['http://{tenant}.store/', 'in the path only'],
    ['http://store:{tenant}/', 'in the path only'],
    ['http://store/x?t={tenant}', 'in the path only'],
    ['http://store/{Tenant}/', 'no other placeholder'],
    ['http://store/{tenant/', 'no other placeholder'],
    ['http://store/tenant}/', 'no other placeholder'],
    ['http://store/a b', 'percent-encoded'],
    ['http://store/ä', 'percent-encoded'],
    ['http://store/%zz', 'percent-encoded'],
    ['http://store/%2{tenant}/', 'percent-encoded'],
    ['http://store/a\\b', 'percent-encoded'],
    ['http://store/../x', '. and .. segments'],
    ['http://store/{tenant}/..', '. and .. segments'],
    ['http://store/a/%2E%2e/x', '. and .. segments'],
  ])('%s is refused, and the message says why: %s', (text, reason) => {
    const misfit = parseTarget(text)
    expect(misfit).toBeInstanceOf(Misfit)
    expect((misfit as Misfit).allowed).toContain(reason)
  })

  test.each([
    ['http://user:pass@store/x', 'http://[redacted]@store/x'],
    ['http://user:p@ss@store/x', 'http://[redacted]@store/x'],
    ['user:p/w@store', '[redacted]@store'],
    ['http://store/x', 'http://store/x'],
  ])('%s is shown as %s', (text, shown) => {
    expect(maskUserinfo(text)).toBe(shown)
  })
})
