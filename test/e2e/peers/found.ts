/**
 * Which peers this machine has. Built ones are in the directory that SLUICE_PEERS names, Debian's in PATH. A scenario
 * whose peer is absent is skipped and says so twice: on stderr with the way to get it, and in its own name.
 */
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe } from 'vitest'

interface Source {
  readonly files: readonly string[]
  readonly where: 'SLUICE_PEERS' | 'PATH'
  readonly how: string
}

const SOURCES = {
  prometheus3: {
    files: ['prometheus'],
    where: 'SLUICE_PEERS',
    how: 'put a Prometheus 3.5 into the directory that SLUICE_PEERS names (https://prometheus.io/download/)',
  },
  prometheus2: {
    files: ['prometheus'],
    where: 'PATH',
    how: 'apt-get install prometheus (2.42 in Debian 12)',
  },
  cortex: {
    files: ['cortex'],
    where: 'SLUICE_PEERS',
    how: 'put a Cortex 1.21 into the directory that SLUICE_PEERS names (https://github.com/cortexproject/cortex/releases)',
  },
  cortexTenant: {
    files: ['cortex-tenant'],
    where: 'SLUICE_PEERS',
    how: 'put a cortex-tenant 2.x into the directory that SLUICE_PEERS names (https://github.com/blind-oracle/cortex-tenant/releases)',
  },
  nodeExporter: {
    files: ['prometheus-node-exporter', 'node_exporter'],
    where: 'PATH',
    how: 'apt-get install prometheus-node-exporter',
  },
  victoriaMetrics: {
    files: ['victoria-metrics'],
    where: 'PATH',
    how: 'apt-get install victoria-metrics (1.79 in Debian 12)',
  },
} as const satisfies Record<string, Source>

export type PeerName = keyof typeof SOURCES
/** The path of each program; empty for one that is absent, and then no test asks for it. */
export type Binaries<N extends PeerName> = Readonly<Record<N, string>>

/** A `describe` that runs where all of `peers` are found. */
export function describeWith<N extends PeerName>(
  title: string,
  peers: readonly N[],
  body: (binaries: Binaries<N>) => void,
): void {
  const binaries = Object.fromEntries(peers.map(name => [name, find(SOURCES[name])])) as Binaries<N>
  const missing = [...new Set(peers)].filter(name => binaries[name] === '').map(name => SOURCES[name])
  if (missing.length === 0) {
    describe(title, () => body(binaries))
    return
  }
  for (const { files, where, how } of missing) {
    process.stderr.write(`SKIPPED: "${title}": there is no ${files.join(' or ')} in ${where}; ${how}\n`)
  }
  const reason = missing.map(({ files, where }) => `no ${files[0]} in ${where}`).join(', ')
  describe.skip(`${title} [SKIPPED: ${reason}]`, () => body(binaries))
}

function find({ files, where }: Source): string {
  const dirs = (process.env[where] ?? '').split(where === 'PATH' ? delimiter : '\0').filter(dir => dir !== '')
  return dirs.flatMap(dir => files.map(file => join(dir, file))).find(isProgram) ?? ''
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
