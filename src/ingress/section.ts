/** The keys of what comes in: where, how patiently, from how many. */
import type { FileKind, FollowedFile } from '../schema/followed-file.ts'
import { key, list, section, type Values } from '../schema/key.ts'
import { address, boolean, duration, integer, oneOf, text } from '../schema/leaf.ts'

export const listen = key(address, '127.0.0.1:8081', 'Where pushes come in.', {
  restart: true,
  ct: 'CT_LISTEN',
  zeroIsUnset: true,
})

export const idleTimeout = key(
  duration,
  '60s',
  'How long an inbound connection may be silent between two pushes.',
  { as: 'idleTimeoutMs', ct: 'CT_IDLE_TIMEOUT', zeroIsUnset: true },
)

export const timeoutShutdown = key(
  duration,
  '0s',
  'How long to go on serving after SIGTERM while /alive and /-/ready already answer 503, so that load balancers notice.',
  { as: 'timeoutShutdownMs', ct: 'CT_TIMEOUT_SHUTDOWN' },
)

export const drainTimeout = key(duration, '30s', 'How long pushes in flight may take to finish after that.', {
  as: 'drainTimeoutMs',
})

export const ingress = section('What senders may send, and their connections.', {
  encodings: list(
    oneOf('snappy', 'zstd'),
    'Encodings of bodies that are taken; zstd is VictoriaMetrics’ own, for remote write 1.0. Whoever sends another gets a 415, and vmagent falls back to snappy.',
    { items: 'snappy, zstd' },
  ),
  max_connections: key(integer(1, 1_000_000), '10000', 'Most connections; further ones are closed at once.', {
    as: 'maxConnections',
  }),
  max_connection_age: key(
    duration,
    '2m',
    'After how long, give or take a tenth, a connection is closed with its next answer, so that new replicas get load; 0 is never.',
    { as: 'maxConnectionAgeMs' },
  ),
})

export const compatibility = section(
  'What existing setups may rely on.',
  {
    headers: key(
      boolean,
      'false',
      'Whether the store gets cortex-tenant’s X-Cortex-Tenant-Client and X-Cortex-Tenant-ReqID.',
      { as: 'compatibilityHeaders' },
    ),
  },
  '.',
)

/** `auth.ingress` */
export const tls = section('TLS towards senders.', {
  tls_config: section(
    'Both files, or none for plain HTTP.',
    {
      cert_file: key(text, '', 'PEM file with our certificate chain.', {
        as: 'certFile',
        restart: 'presence',
        ct: 'CT_TLS_CERT_FILE',
      }),
      key_file: key(text, '', 'PEM file with its private key.', {
        as: 'keyFile',
        restart: 'presence',
        ct: 'CT_TLS_KEY_FILE',
      }),
    },
    '.',
  ),
})

/** Undefined for plain HTTP. */
export function resolveTls(
  { certFile, keyFile }: Values<(typeof tls)['keys']>,
  open: (key: string, path: string, kind: FileKind) => FollowedFile,
) {
  if (certFile === '') return undefined
  return {
    certFile: open('auth.ingress.tls_config.cert_file', certFile, 'certificate'),
    keyFile: open('auth.ingress.tls_config.key_file', keyFile, 'private key'),
  }
}
