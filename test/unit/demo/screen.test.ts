import { expect, test } from 'vitest'
import { Screen } from '../../../src/demo/screen.ts'

function output(terminal: { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number }) {
  const written: string[] = []
  return { ...terminal, written, write: (text: string) => written.push(text) }
}

test('on a terminal the block is drawn over the one before', () => {
  const terminal = output({ isTTY: true, columns: 20, rows: 30 })
  const screen = new Screen(terminal)
  screen.draw(['head', 'one', 'two'])
  screen.draw(['head', 'three'])
  expect(terminal.written[0]).not.toContain('\x1b[J')
  expect(terminal.written[1]?.startsWith('\x1b[3A\r\x1b[J')).toBe(true)
  expect(terminal.written[1]?.endsWith('three\n')).toBe(true)
  screen.print('said\n')
  expect(terminal.written[2]).toBe('\x1b[2A\r\x1b[Jsaid\n')
  expect(terminal.written[3]?.endsWith('three\n')).toBe(true)
})

test('log lines stand above the block', () => {
  const terminal = output({ isTTY: true })
  const screen = new Screen(terminal)
  screen.draw(['head'])
  screen.log.write('a line\n')
  expect(terminal.written[1]).toBe('\x1b[1A\r\x1b[Ja line\n')
  expect(terminal.written[2]).toContain('head')
})

test('a line never wraps, because a block would then be taller than it counts', () => {
  const terminal = output({ isTTY: true, columns: 10 })
  new Screen(terminal).draw(['head', 'a line that is too long'])
  expect(terminal.written[0]).toMatch(/\na line t…\n$/)
})

test('after the end the block stays, and text follows it', () => {
  const terminal = output({ isTTY: true })
  const screen = new Screen(terminal)
  screen.draw(['head'])
  screen.end()
  screen.print('said\n')
  expect(terminal.written.slice(1)).toEqual(['said\n'])
})

test('a block of another width is left alone, because its lines may have been wrapped anew', () => {
  const terminal = { ...output({ isTTY: true }), columns: 80 }
  const screen = new Screen(terminal)
  screen.draw(['head'])
  terminal.columns = 40
  screen.draw(['head'])
  screen.draw(['head'])
  expect(terminal.written.map(text => text.startsWith('\x1b[1A'))).toEqual([false, false, true])
})

test('elsewhere there are plain lines and nothing else', () => {
  const file = output({})
  const screen = new Screen(file)
  screen.print('said\n')
  screen.draw(['head', 'x'.repeat(300)])
  screen.draw(['head'])
  screen.end()
  expect(file.written.join('')).toBe(`said\nhead\n${'x'.repeat(300)}\nhead\n`)
})
