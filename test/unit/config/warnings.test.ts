import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'

function warningsOf(text: string, env: Record<string, string> = {}): readonly string[] {
  const { warnings } = loadConfig({
    file: { name: 'test.yaml', text: `target: http://store/push\n${text}` },
    env,
  })
  return warnings.map(({ key, message }) => `${key} ${message}`)
}

describe('a warning', () => {
  test.each([
    ['listen_pprof: :7008', 'listen_pprof has no effect: there is no profiling port'],
    ['target_loki: http://loki', 'target_loki has no effect: Loki pushes are answered with 501'],
    [
      'tenant: {label_list: [a, b]}',
      'tenant.label_precedence is not written, so the first of the labels in a series’ own order wins, as in cortex-tenant; write config for the order of tenant.label_list',
    ],
    ['tenant: {label_list: [a, a]}', 'tenant.label_list names a label twice; the second has no effect'],
    ['tenant: {label_list: [a], label: b}', 'tenant.label has no effect beside tenant.label_list'],
    [
      'tenant: {accept_all: true}',
      'tenant.accept_all loses data: senders get 204 even where nothing was stored, and never try again',
    ],
    [
      'tenant: {prefix_prefer_source: true}',
      'tenant.prefix_prefer_source trusts every sender to choose its own prefix',
    ],
    [
      'tenant: {format: thanos}',
      'tenant.header is X-Scope-OrgID; Thanos reads THANOS-TENANT unless it was told otherwise',
    ],
    [
      'tenant: {format: victoriametrics}',
      'target has no {tenant} in its path, which is where VictoriaMetrics looks for it',
    ],
    ['metadata: true', 'metadata.route has no effect without tenant.default: metadata is dropped'],
    [
      'metadata: {route: default}',
      'metadata.route has no effect without tenant.default: metadata is dropped',
    ],
    [
      'auth: {egress: {username: u, password: hunter2}}',
      'auth.egress.password is sent in clear: target is plain http',
    ],
    ['auth: {egress: {password: hunter2}}', 'auth.egress.username is not set, so the password has no effect'],
    [
      'egress: {forward_headers: [Authorization]}',
      'egress.forward_headers passes the senders’ own credentials on to the store',
    ],
    ['engine: reference', 'engine reference is slow; it is meant for comparison'],
  ])('is given for %s', (text, warning) => {
    expect(warningsOf(text)).toEqual([warning])
  })

  test.each([
    'tenant: {label_list: [a, b], label_precedence: series_first}',
    'tenant: {label_list: [a]}',
    'tenant: {label_list: [a, b], label: a, label_precedence: config}',
    'tenant: {accept_all: false, prefix_prefer_source: false}',
    'tenant: {format: thanos, header: THANOS-TENANT}',
    'tenant: {default: d}\nmetadata: true',
    'listen_pprof: ""\ntarget_loki: ""',
  ])('is not given for %s', text => {
    expect(warningsOf(text)).toEqual([])
  })

  test('is not given for a password over https', () => {
    const env = { SLUICE_TARGET: 'https://store/push' }
    expect(warningsOf('auth: {egress: {username: u, password: hunter2}}', env)).toEqual([])
  })

  test('is given for a variable that nobody reads', () => {
    expect(warningsOf('', { SLUICE_COLOUR: 'red' })).toEqual([
      'SLUICE_COLOUR is not a variable of Sluice and has no effect',
    ])
  })
})
