/** What a recorded Prometheus scrapes: three tenants by label, in OpenMetrics, with exemplars on counters and buckets. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

const TENANTS = ['team-a', 'team-b', 'team-c']
const BOUNDS = ['0.1', '1', '+Inf']

export class Target {
  readonly address: string
  readonly #server: Server

  static async start(): Promise<Target> {
    let scrapes = 0
    const server = createServer((_, response) => {
      scrapes++
      response.setHeader('content-type', 'application/openmetrics-text; version=1.0.0; charset=utf-8')
      response.end(exposition(scrapes))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return new Target(server)
  }

  private constructor(server: Server) {
    this.#server = server
    this.address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  stop(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

function exposition(scrapes: number): string {
  const exemplar = (tenant: string, value: number) =>
    ` # {trace_id="${tenant}-${scrapes}"} ${value} ${(Date.now() / 1000).toFixed(3)}`
  const lines = [
    '# TYPE shop_orders counter',
    '# HELP shop_orders Orders that were taken.',
    ...TENANTS.map(
      (tenant, n) => `shop_orders_total{tenant="${tenant}"} ${scrapes + n}${exemplar(tenant, 1)}`,
    ),
    '# TYPE shop_order_seconds histogram',
    '# UNIT shop_order_seconds seconds',
    '# HELP shop_order_seconds How long an order takes.',
    ...TENANTS.flatMap(tenant => [
      ...BOUNDS.map(
        (le, n) =>
          `shop_order_seconds_bucket{tenant="${tenant}",le="${le}"} ${scrapes * (n + 1)}${exemplar(tenant, 0.05 * 10 ** n)}`,
      ),
      `shop_order_seconds_count{tenant="${tenant}"} ${scrapes * BOUNDS.length}`,
      `shop_order_seconds_sum{tenant="${tenant}"} ${scrapes * 1.5}`,
    ]),
    '# TYPE shop_stock gauge',
    '# HELP shop_stock What is left, never NaN but in team-c.',
    ...TENANTS.map((tenant, n) => `shop_stock{tenant="${tenant}"} ${n === 2 ? 'NaN' : 100 - scrapes}`),
    '# EOF',
  ]
  return `${lines.join('\n')}\n`
}
