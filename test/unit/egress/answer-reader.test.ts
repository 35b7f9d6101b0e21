import { describe, expect, test } from 'vitest'
import { AnswerReader } from '../../../src/egress/answer-reader.ts'

/** What a reader tells of these pieces, one line for each thing but the body, which is put together. */
function told(pieces: readonly string[], closes = false): readonly string[] {
  const lines: string[] = []
  let body = ''
  const reader = new AnswerReader({
    head: (status, headers) => lines.push(`${status} ${JSON.stringify(headers)}`),
    data: bytes => {
      body += bytes.toString('latin1')
    },
    end: reusable => lines.push(`body "${body}"`, reusable ? 'reusable' : 'not reusable'),
  })
  for (const piece of pieces) reader.read(Buffer.from(piece, 'latin1'))
  if (closes) reader.finish()
  return lines
}

/** The same text in one piece, byte by byte, and cut in two at each place. */
function* cuts(text: string): Generator<readonly string[]> {
  yield [text]
  yield [...text]
  for (let at = 1; at < text.length; at++) yield [text.slice(0, at), text.slice(at)]
}

interface Case {
  readonly name: string
  readonly answer: string
  readonly told: readonly string[]
}

const WHOLE: readonly Case[] = [
  {
    name: 'nothing behind the head',
    answer: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    told: ['200 {"content-length":"0"}', 'body ""', 'reusable'],
  },
  {
    name: 'a 204 has no body, and needs no length and no reason',
    answer: 'HTTP/1.1 204\r\n\r\n',
    told: ['204 {}', 'body ""', 'reusable'],
  },
  {
    name: 'so many bytes',
    answer: 'HTTP/1.1 400 Bad Request\r\ncontent-length:  5 \r\nX-A: b: c\r\n\r\nabc\r\n',
    told: ['400 {"content-length":"5","x-a":"b: c"}', 'body "abc\r\n"', 'reusable'],
  },
  {
    name: 'chunks, with an extension and a trailer that nobody asked for',
    answer:
      'HTTP/1.1 500 x\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=b\r\nabc\r\n00A \t;x\r\n0123456789\r\n0\r\nX: y\r\n\r\n',
    told: ['500 {"transfer-encoding":"Chunked"}', 'body "abc0123456789"', 'reusable'],
  },
  {
    name: 'chunks of none',
    answer: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    told: ['200 {"transfer-encoding":"chunked"}', 'body ""', 'reusable'],
  },
  {
    name: 'answers before the answer',
    answer:
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 202 A\r\ncontent-length: 1\r\n\r\n.',
    told: ['202 {"content-length":"1"}', 'body "."', 'reusable'],
  },
  {
    name: 'a field that is repeated',
    answer: 'HTTP/1.1 204 x\r\nA: 1\r\na: 2\r\nA: \r\n__proto__: 3\r\n\r\n',
    told: ['204 {"a":["1","2",""],"__proto__":"3"}', 'body ""', 'reusable'],
  },
  {
    name: 'the end of the connection announced',
    answer: 'HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 1\r\n\r\n.',
    told: ['200 {"connection":"foo, Close","content-length":"1"}', 'body "."', 'not reusable'],
  },
  {
    name: 'HTTP/1.0 ends its connections',
    answer: 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n',
    told: ['200 {"content-length":"0"}', 'body ""', 'not reusable'],
  },
  {
    name: 'HTTP/1.0 that keeps its connection',
    answer: 'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n',
    told: ['200 {"connection":"Keep-Alive","content-length":"0"}', 'body ""', 'reusable'],
  },
]

test.each(WHOLE)('$name, however it is cut', ({ answer, told: expected }) => {
  for (const pieces of cuts(answer)) expect(told(pieces)).toEqual(expected)
})

test('without a length, all is the body until the connection ends', () => {
  for (const pieces of cuts('HTTP/1.1 200 OK\r\n\r\nab')) {
    expect(told(pieces)).toEqual(['200 {}'])
    expect(told(pieces, true)).toEqual(['200 {}', 'body "ab"', 'not reusable'])
  }
})

test.each(WHOLE)('bytes behind the end spoil the connection: $name', ({ answer, told: expected }) => {
  expect(told([`${answer}H`])).toEqual([...expected.slice(0, -1), 'not reusable'])
})

test('a connection that ends before its answer does is an error', () => {
  for (const { answer } of WHOLE) {
    for (let at = 0; at < answer.length; at++) {
      expect(() => told([answer.slice(0, at)], true), answer.slice(0, at)).toThrow('other side closed')
    }
  }
})

describe('what is no answer', () => {
  test.each([
    ['no status line', 'SSH-2.0-x\r\n\r\n'],
    ['no status line', 'HTTP/2 200\r\n\r\n'],
    ['no status line', 'HTTP/1.1 2000 x\r\n\r\n'],
    ['no status line', 'HTTP/1.1 099 x\r\n\r\n'],
    ['no status line', 'HTTP/1.1 200 O\nK\r\n\r\n'],
    ['no status line', '\r\nHTTP/1.1 200 OK\r\n\r\n'],
    ['no header field', 'HTTP/1.1 200 OK\r\na b: c\r\n\r\n'],
    ['no header field', 'HTTP/1.1 200 OK\r\na : c\r\n\r\n'],
    ['no header field', 'HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n'],
    ['no header field', 'HTTP/1.1 200 OK\r\na: b\nc: d\r\n\r\n'],
    ['no header field', 'HTTP/1.1 200 OK\r\na: b\0\r\n\r\n'],
    ['no header field', 'HTTP/1.1 200 OK\r\n: b\r\n\r\n'],
    ['no length', 'HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n'],
    ['no length', 'HTTP/1.1 200 OK\r\ncontent-length: 1, 1\r\n\r\n'],
    ['no length', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n'],
    ['no length', 'HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\n'],
    ['no length', `HTTP/1.1 200 OK\r\ncontent-length: ${'9'.repeat(16)}\r\n\r\n`],
    ['encoding', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n'],
    ['encoding', 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n'],
    ['encoding', 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'],
    ['another protocol', 'HTTP/1.1 101 x\r\nupgrade: y\r\n\r\n'],
    ['its size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0x1\r\n'],
    ['its size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\r\n'],
    ['its size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n000000001\r\n'],
    ['does not end', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc'],
    ['does not end', `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;${'x'.repeat(5000)}`],
    ['does not end', `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n${'x: y\r\n'.repeat(2000)}`],
    ['does not end', `HTTP/1.1 200 OK\r\na: ${'x'.repeat(20_000)}\r\n\r\n`],
  ])('%s: %j', (why, answer) => {
    for (const pieces of [[answer], [...answer]]) expect(() => told(pieces)).toThrow(why)
  })
})

test('who has heard enough hears nothing more', () => {
  let heard = 0
  const reader = new AnswerReader({
    head: () => reader.stop(),
    data: () => heard++,
    end: () => heard++,
  })
  reader.read(Buffer.from('HTTP/1.1 400 x\r\ncontent-length: 2\r\n\r\na'))
  reader.read(Buffer.from('b'))
  reader.finish()
  expect(heard).toBe(0)
})
