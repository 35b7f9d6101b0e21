/** What the split is measured on: label sets of a real scrape, and pushes that real senders made. */
import { readdirSync, readFileSync } from 'node:fs'
import type { Protocol, SplitRules } from '../../src/remote-write/split.ts'
import { buildBody } from '../load/payload.ts'

export interface Payload {
  readonly name: string
  readonly protocol: Protocol
  /** What its shares are written in. */
  readonly output: Protocol
  readonly bodies: readonly Uint8Array[]
}

const FIXTURES = new URL('../../test/fixtures/', import.meta.url)

/** `rw1/10-tenants/2000` and so on, named like files; `rw2-as-rw1` where shares are of the other protocol. */
export function payloads(): Payload[] {
  return PROTOCOLS.flatMap(protocol => {
    const name = NAMES[protocol]
    const made = [500, 2_000].flatMap(series => {
      return [1, 10, 100].map(tenants => {
        const bodies = [0, 1, 2, 3].map(sender => buildBody({ series, tenants, protocol }, sender))
        return { name: `${tenants}-tenants/${series}`, bodies }
      })
    })
    const all = [
      ...made,
      { name: 'recorded', bodies: recorded(name) },
      { name: 'exemplars', bodies: [read(`prometheus-3.5/${name}/001.bin`)] },
    ]
    return PROTOCOLS.flatMap(output => {
      const folder = output === protocol ? name : `${name}-as-${NAMES[output]}`
      return all.map(it => ({ ...it, name: `${folder}/${it.name}`, protocol, output }))
    })
  })
}

const PROTOCOLS: readonly Protocol[] = ['1.0', '2.0']
const NAMES = { '1.0': 'rw1', '2.0': 'rw2' } as const

/** Pushes with series; 1.0 has one that holds metadata only. */
function recorded(folder: string): Uint8Array[] {
  const path = `prometheus-3.14/${folder}`
  return readdirSync(new URL(path, FIXTURES))
    .filter(file => file.endsWith('.bin') && `${folder}/${file}` !== 'rw1/003.bin')
    .map(file => read(`${path}/${file}`))
}

function read(file: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(file, FIXTURES)))
}

/** The label is stripped; series without it go to a tenant of their own. */
export function benchRules(): SplitRules {
  return {
    labels: ['tenant'],
    precedence: 'config',
    strip: true,
    prefix: '',
    defaultTenant: 'none',
    missing: 'default',
    invalid: 'reject',
    format: 'mimir',
    output: 'same',
    metadata: 'drop',
    families: 'none',
    haLabels: ['cluster', '__replica__'],
    compression: 'fast',
    maxDecodedBytes: 32 * 1024 * 1024,
    maxOutputBytes: 64 * 1024 * 1024,
    maxTenants: 2_000,
    maxSeries: 100_000,
  }
}
