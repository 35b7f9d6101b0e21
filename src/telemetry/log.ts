/** The logger: one JSON object a line, or readable lines on a terminal. */
import { createRequire } from 'node:module'
import { Writable } from 'node:stream'
import { type Logger, type LoggerOptions, pino } from 'pino'

export type { Logger } from 'pino'

export interface LogOptions {
  readonly level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'
  readonly format: 'auto' | 'json' | 'pretty'
}

const require = createRequire(import.meta.url)

type LogStream = NodeJS.WritableStream & { readonly isTTY?: boolean }

/**
 * `stream` is where lines go; `auto` means pretty where that is a terminal. Nothing depends on a line that can't be written
 * (whoever read them has left, the disk is full): it is dropped, and `dropped` is told. Whoever owns the stream listens to
 * its errors, which would end the process otherwise.
 */
export function createLogger(
  options: LogOptions,
  stream: LogStream = process.stderr,
  dropped: () => void = () => {},
): Logger {
  const write = (line: string | Uint8Array) => {
    stream.write(line, error => {
      if (error) dropped()
    })
  }
  const settings: LoggerOptions = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: label => ({ level: label }) },
  }
  const readable = options.format === 'pretty' || (options.format === 'auto' && stream.isTTY)
  if (!readable) return pino(settings, { write })
  // A server writes JSON and keeps the memory of this for nothing.
  const pretty: typeof import('pino-pretty') = require('pino-pretty')
  const destination = new Writable({
    write(line, _encoding, done) {
      write(line)
      done()
    },
  })
  return pino(
    settings,
    pretty({
      destination,
      colorize: stream.isTTY ?? false,
      translateTime: 'SYS:HH:MM:ss.l',
      singleLine: true,
    }),
  )
}
