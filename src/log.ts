/** The logger: one JSON object a line, or readable lines on a terminal. */
import { type Logger, type LoggerOptions, pino } from 'pino'
import pretty from 'pino-pretty'

export type { Logger } from 'pino'

export interface LogOptions {
  readonly level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'
  readonly format: 'auto' | 'json' | 'pretty'
}

type LogStream = NodeJS.WritableStream & { readonly isTTY?: boolean }

/** `stream` is where lines go; `auto` means pretty where that is a terminal. */
export function createLogger(options: LogOptions, stream: LogStream = process.stderr): Logger {
  const settings: LoggerOptions = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: label => ({ level: label }) },
  }
  const readable = options.format === 'pretty' || (options.format === 'auto' && stream.isTTY)
  if (!readable) return pino(settings, stream)
  return pino(
    settings,
    pretty({
      destination: stream,
      colorize: stream.isTTY ?? false,
      translateTime: 'SYS:HH:MM:ss.l',
      singleLine: true,
    }),
  )
}
