/**
 * The types of single values. Each one parses the *source text* of a YAML scalar (or of an environment variable), as Go
 * decodes into a typed field: `default: 007` is "007" and `12:34` stays, whatever YAML would make of them.
 */
import { type Address, parseAddress } from './address.ts'
import { DURATION_PATTERN, parseDuration } from './duration.ts'
import { Misfit } from './problem.ts'
import { Secret } from './secret.ts'
import { parseShedRule, type ShedRule } from './shed-rule.ts'
import { formatSize, parseSize, SIZE_PATTERN } from './size.ts'
import { maskUserinfo, parseTarget, type Target } from './target.ts'

/** The environment has Go's words for booleans, the file YAML's. */
export type Origin = 'file' | 'environment'

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'

export interface Leaf<T> {
  /** For the reference page: `duration`. */
  readonly name: string
  readonly parse: (text: string, origin: Origin) => T | Misfit
  /** How a text may be shown in messages and listings. */
  readonly show: (text: string) => string
  /** What editors check, on the value as YAML types it. */
  readonly json: object
}

const asItIs = (text: string): string => text
const ANY_TEXT = { type: ['string', 'number', 'boolean'] }

export const text: Leaf<string> = {
  name: 'text',
  // A control character can only be an accident, and would end up in headers and logs.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for
  parse: text => (/[\u0000-\u001f\u007f]/.test(text) ? new Misfit('text without control characters') : text),
  show: asItIs,
  json: ANY_TEXT,
}

export const boolean: Leaf<boolean> = {
  name: 'boolean',
  parse(text, origin) {
    const words = BOOLEANS[origin]
    if (words.true.includes(text)) return true
    if (words.false.includes(text)) return false
    return new Misfit(
      origin === 'file' ? 'true or false, yes or no, on or off' : 'true or false, 1 or 0, t or f',
    )
  },
  show: asItIs,
  json: { enum: [true, false, 'yes', 'no', 'on', 'off', 'Yes', 'No', 'On', 'Off', 'YES', 'NO', 'ON', 'OFF'] },
}

// As Go's yaml.v2 and strconv.ParseBool have them.
const BOOLEANS: Readonly<Record<Origin, { true: readonly string[]; false: readonly string[] }>> = {
  file: {
    true: ['true', 'True', 'TRUE', 'yes', 'Yes', 'YES', 'on', 'On', 'ON', 'y', 'Y'],
    false: ['false', 'False', 'FALSE', 'no', 'No', 'NO', 'off', 'Off', 'OFF', 'n', 'N'],
  },
  environment: {
    true: ['1', 't', 'T', 'TRUE', 'true', 'True'],
    false: ['0', 'f', 'F', 'FALSE', 'false', 'False'],
  },
}

export function integer(min: number, max: number): Leaf<number> {
  return {
    name: 'integer',
    parse(text) {
      const value = /^(0|[1-9]\d{0,14})$/.test(text) ? Number(text) : Number.NaN
      return value >= min && value <= max ? value : new Misfit(`a whole number from ${min} to ${max}`)
    },
    show: asItIs,
    json: { type: 'integer', minimum: min, maximum: max },
  }
}

/** In milliseconds. */
export const duration: Leaf<number> = {
  name: 'duration',
  parse: text => parseDuration(text) ?? new Misfit('a duration from 0 to 596h, such as 100ms, 10s or 1h30m'),
  show: asItIs,
  json: { anyOf: [{ const: 0 }, { type: 'string', pattern: DURATION_PATTERN }] },
}

/** In bytes. */
export function size(min: number, max: number): Leaf<number> {
  const range = `a size from ${formatSize(min)} to ${formatSize(max)}, such as 512KiB, 8MiB or 32MB`
  return {
    name: 'size',
    parse(text) {
      const bytes = parseSize(text)
      return bytes !== undefined && bytes >= min && bytes <= max ? bytes : new Misfit(range)
    },
    show: asItIs,
    json: {
      anyOf: [
        { type: 'integer', minimum: min, maximum: max },
        { type: 'string', pattern: SIZE_PATTERN },
      ],
    },
  }
}

export const shedRule: Leaf<ShedRule> = {
  name: 'pattern=duration',
  parse: text => parseShedRule(text) ?? new Misfit('a pattern of tenants and a duration, such as dev-*=5m'),
  show: asItIs,
  json: { type: 'string', pattern: '^.+=.+$' },
}

export function oneOf<const W extends string>(...words: readonly W[]): Leaf<W> {
  return {
    name: words.map(word => `\`${word}\``).join(', '),
    parse: text =>
      words.find(word => word === text) ?? new Misfit(words.join(', ').replace(/, ([^,]*)$/, ' or $1')),
    show: asItIs,
    json: { enum: words },
  }
}

export const logLevel: Leaf<LogLevel> = {
  name: 'log level',
  parse: text => LOG_LEVELS[text.toLowerCase()] ?? new Misfit(Object.keys(LOG_LEVELS).join(', ')),
  show: asItIs,
  // Any case is fine; editors get to know the lower one.
  json: {
    anyOf: [
      { enum: ['panic', 'fatal', 'error', 'warn', 'warning', 'info', 'debug', 'trace'] },
      { type: 'string', pattern: '^[A-Z][A-Za-z]+$' },
    ],
  },
}

// The peer takes logrus's names. Pino's highest level is fatal.
const LOG_LEVELS: Readonly<Record<string, LogLevel>> = {
  __proto__: null as never,
  panic: 'fatal',
  fatal: 'fatal',
  error: 'error',
  warn: 'warn',
  warning: 'warn',
  info: 'info',
  debug: 'debug',
  trace: 'trace',
}

export const address: Leaf<Address> = {
  name: 'address',
  parse: text => parseAddress(text) ?? new Misfit('host:port, such as 127.0.0.1:8080, :8080 or [::1]:8080'),
  show: asItIs,
  json: { type: 'string' },
}

export const target: Leaf<Target> = {
  name: 'URL',
  parse: parseTarget,
  show: maskUserinfo,
  json: { type: 'string', pattern: '^[Hh][Tt][Tt][Pp][Ss]?://[^{}@#/?]+([/?][^#]*)?$' },
}

/** Accepted, shown, and otherwise without effect. */
export const unusedUrl: Leaf<string> = { ...text, name: 'URL', show: maskUserinfo }

export const secret: Leaf<Secret> = {
  name: 'secret',
  parse: text => new Secret(text),
  show: () => '[redacted]',
  json: ANY_TEXT,
}

/** What a header may say (RFC 9110, 5.5); anything else would end it, or be refused with each push. */
export const headerValue: Leaf<Secret> = {
  ...secret,
  parse: text =>
    /^[\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?$/.test(text)
      ? new Secret(text)
      : new Misfit('text on one line, without blanks around it'),
}

export const labelName: Leaf<string> = {
  name: 'label name',
  parse: text =>
    /^[\p{L}\p{N}_.:/-]{1,256}$/u.test(text)
      ? text
      : new Misfit('a label name, such as tenant or __tenant__'),
  show: asItIs,
  json: ANY_TEXT,
}

export const headerName: Leaf<string> = {
  name: 'header name',
  parse(text) {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/.test(text))
      return new Misfit('a header name, such as X-Scope-OrgID')
    const lower = text.toLowerCase()
    if (OWN_HEADERS.has(lower) || lower.startsWith('content-'))
      return new Misfit('a header that does not belong to the connection, the body or Sluice itself')
    return text
  },
  show: asItIs,
  json: { type: 'string' },
}

/** Headers that a hop makes for itself (RFC 9110, 7.6.1) and those that every push to the store has anyway. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'expect',
  'accept-encoding',
  'user-agent',
  'retry-attempt',
  'traceparent',
  'x-prometheus-remote-write-version',
])

const UPSTREAM_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/

/** How a store is named in `upstreams` and `routes`, in metrics and in logs. */
export const upstreamName: Leaf<string> = {
  name: 'name',
  parse: text =>
    UPSTREAM_NAME.test(text)
      ? text
      : new Misfit('a name of at most 63 lower-case letters, digits, - and _, the first no - or _'),
  show: asItIs,
  json: { type: ['string', 'number'], pattern: UPSTREAM_NAME.source },
}

/** A path that senders write to, in the form that requests are looked up by: decoded, and with single slashes. */
export const routePath: Leaf<string> = {
  name: 'path',
  parse(text) {
    if (text.includes('%'))
      return new Misfit(
        'a path without escapes (%); write what they stand for: requests match in either form',
      )
    if (!/^\/[A-Za-z0-9\-._~!$&'()*+,;=:@/]*$/.test(text))
      return new Misfit('a path that starts with /, such as /api/v1/push, without a query')
    if (text.includes('//'))
      return new Misfit('a path with single slashes; a request with more of them matches it too')
    if (/\/\.{1,2}(\/|$)/.test(text)) return new Misfit('a path without . and .. segments')
    if (text === LOKI_PATH)
      return new Misfit(
        `a path that is not ${LOKI_PATH}, which always gets a 501; let senders write to another`,
      )
    return /^\/(-|metrics|alive)(\/|$)/.test(text)
      ? new Misfit('a path that is not one of Sluice itself (/-/…, /metrics, /alive)')
      : text
  },
  show: asItIs,
  json: { type: 'string', pattern: '^/[^?#%]*$' },
}

/** Where cortex-tenant takes Loki streams, which are not split here. */
const LOKI_PATH = '/loki/push'

/** A tenant, or a pattern in which `*` stands for any number of characters. */
export const tenantPattern: Leaf<string> = {
  name: 'tenant or pattern',
  parse: text =>
    /^[\x21-\x7e]{1,150}$/.test(text)
      ? text
      : new Misfit('a tenant, or a pattern of tenants, such as team-a or dev-*'),
  show: asItIs,
  json: { type: ['string', 'number'] },
}

export const principalName: Leaf<string> = {
  name: 'name',
  parse: text => (/^[\x21-\x7e]{1,256}$/.test(text) ? text : new Misfit('the name of a principal')),
  show: asItIs,
  json: { type: ['string', 'number'] },
}
