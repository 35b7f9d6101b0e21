/** Where pushes come in whatever the configuration says; its routes may name others. */
export const PUSH_PATHS: readonly string[] = [
  '/push', // cortex-tenant
  '/api/v1/push', // Mimir, Cortex
  '/api/v1/write', // Prometheus, VictoriaMetrics
  '/api/prom/push', // Cortex
  '/api/v1/receive', // Thanos
  '/prometheus/api/v1/write', // VictoriaMetrics
  '/prometheus/api/v1/push',
  // VictoriaMetrics cluster. Of accounts only 0, its first: another number would name a tenant, and labels name it here.
  ...['multitenant', '0'].flatMap(account => [
    `/insert/${account}/prometheus`,
    `/insert/${account}/prometheus/`,
    `/insert/${account}/prometheus/api/v1/write`,
    `/insert/${account}/prometheus/api/v1/push`,
  ]),
]
