import { describe, expect, test } from 'vitest'
import {
  boolean,
  headerName,
  headerValue,
  integer,
  type Leaf,
  labelName,
  logLevel,
  type Origin,
  oneOf,
  secret,
  size,
  text,
} from '../../../src/schema/leaf.ts'
import { Misfit } from '../../../src/schema/problem.ts'
import { Secret } from '../../../src/schema/secret.ts'

function parsed<T>(leaf: Leaf<T>, source: string, origin: Origin = 'file'): T | 'refused' {
  const result = leaf.parse(source, origin)
  return result instanceof Misfit ? 'refused' : result
}

describe('a boolean', () => {
  test.each(['true', 'True', 'TRUE', 'yes', 'Yes', 'YES', 'on', 'On', 'ON', 'y', 'Y'])(
    'in a file may be %s',
    word => {
      expect(parsed(boolean, word)).toBe(true)
    },
  )
  test.each(['false', 'False', 'FALSE', 'no', 'No', 'NO', 'off', 'Off', 'OFF', 'n', 'N'])(
    'in a file may be %s',
    word => {
      expect(parsed(boolean, word)).toBe(false)
    },
  )
  test.each(['', '1', '0', 't', 'f', 'tRUE', 'yEs', 'enabled', ' true'])('in a file may not be %j', word => {
    expect(parsed(boolean, word)).toBe('refused')
  })
  test.each(['1', 't', 'T', 'TRUE', 'true', 'True'])('in the environment may be %s', word => {
    expect(parsed(boolean, word, 'environment')).toBe(true)
  })
  test.each(['0', 'f', 'F', 'FALSE', 'false', 'False'])('in the environment may be %s', word => {
    expect(parsed(boolean, word, 'environment')).toBe(false)
  })
  test.each(['yes', 'no', 'on', 'off', 'tRUE', '2', 'y'])('in the environment may not be %s', word => {
    expect(parsed(boolean, word, 'environment')).toBe('refused')
  })
})

describe('an integer', () => {
  test.each([
    ['0', 0],
    ['7', 7],
    ['100', 100],
  ])('%s is %d', (source, value) => {
    expect(parsed(integer(0, 100), source)).toBe(value)
  })
  test.each(['', '101', '-1', '+1', '007', '0x1f', '1_0', '1.0', '1e1', ' 1', 'many', '9'.repeat(20)])(
    'is not %j',
    source => {
      expect(parsed(integer(0, 100), source)).toBe('refused')
    },
  )
  test('below its least value is refused, with both bounds in the message', () => {
    expect(integer(1, 100).parse('0', 'file')).toEqual(new Misfit('a whole number from 1 to 100'))
  })
})

describe('a size', () => {
  test.each([
    ['1KiB', 1024],
    ['2KiB', 2048],
    ['1023', 'refused'],
    ['2049', 'refused'],
    ['0', 'refused'],
  ])('of %s between 1KiB and 2KiB is %s', (source, value) => {
    expect(parsed(size(1024, 2048), source)).toBe(value)
  })
})

describe('a choice', () => {
  test('takes its words as they are, and names them all otherwise', () => {
    const leaf = oneOf('reject', 'drop', 'default')
    expect(parsed(leaf, 'drop')).toBe('drop')
    expect(leaf.parse('Drop', 'file')).toEqual(new Misfit('reject, drop or default'))
  })
})

describe('a log level', () => {
  test.each([
    ['panic', 'fatal'],
    ['fatal', 'fatal'],
    ['error', 'error'],
    ['warn', 'warn'],
    ['WARNING', 'warn'],
    ['Info', 'info'],
    ['debug', 'debug'],
    ['trace', 'trace'],
    ['verbose', 'refused'],
    ['constructor', 'refused'],
    ['__proto__', 'refused'],
  ])('%s is %s', (source, level) => {
    expect(parsed(logLevel, source)).toBe(level)
  })
})

describe('a label name', () => {
  test.each(['tenant', '__tenant__', 'k8s.namespace.name', 'mieter_straße', 'a-b', 'x:y'])(
    'may be %s',
    name => {
      expect(parsed(labelName, name)).toBe(name)
    },
  )
  test.each(['', 'a b', 'a,b', '{a}', 'a=b', '"a"', 'a\n', 'x'.repeat(257)])('may not be %j', name => {
    expect(parsed(labelName, name)).toBe('refused')
  })
})

describe('a header name', () => {
  test.each(['X-Scope-OrgID', 'THANOS-TENANT', 'x_tenant', 'Authorization'])('may be %s', name => {
    expect(parsed(headerName, name)).toBe(name)
  })
  test.each([
    ...[
      '',
      'a b',
      'a:b',
      'ä',
      'x\r\ny',
      'Host',
      'Connection',
      'transfer-encoding',
      'TE',
      'Upgrade',
      'Keep-Alive',
    ],
    ...['Content-Length', 'content-type', 'Content-Encoding', 'User-Agent', 'Retry-Attempt', 'Expect'],
  ])('may not be %j', name => {
    expect(parsed(headerName, name)).toBe('refused')
  })
})

describe('a text', () => {
  test.each(['', '007', '12:34', 'yes', 'ä |', ' x '])('%j stays as it is', source => {
    expect(parsed(text, source)).toBe(source)
  })
  test.each(['a\nb', 'a\u0000', '\u007f', 'tab\t'])('with a control character is refused: %j', source => {
    expect(parsed(text, source)).toBe('refused')
  })
})

describe('a value of a header', () => {
  test.each(['x', 'Bearer a.b-c', 'a\tb', 'é'])('may be %j', source => {
    expect((parsed(headerValue, source) as Secret).reveal()).toBe(source)
  })
  test.each(['', ' x', 'x ', 'a\nb', 'a\r\nX-B: c', 'a\u0000', '€'])('may not be %j', source => {
    expect(parsed(headerValue, source)).toBe('refused')
    expect(headerValue.show(source)).toBe('[redacted]')
  })
})

test('a secret is kept whole and shown to nobody', () => {
  const value = secret.parse(' p\nw ', 'file')
  expect(value).toBeInstanceOf(Secret)
  expect((value as Secret).reveal()).toBe(' p\nw ')
  expect(secret.show('p')).toBe('[redacted]')
})
