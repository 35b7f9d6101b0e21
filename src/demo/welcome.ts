export interface Addresses {
  readonly push: string
  readonly metrics: string
  readonly store: string
}

/** What the demo says first: where things are, what to try, and how to go on with a real Prometheus. */
export function welcome({ push, metrics, store }: Addresses): string {
  return `
Sluice demo: one stream of pushes comes in; each tenant's series go to the store
under that tenant's name.

  pushes    ${push}
  metrics   ${metrics}
  store     ${store}   (embedded, in memory)

Try in another terminal:

  curl -s ${store}/api/v1/tenants
  curl -s -H X-Scope-OrgID:team-a '${store}/api/v1/query?query=up'
  curl -s -H X-Scope-OrgID:team-b '${store}/api/v1/query?query=up'
  curl -s -H X-Scope-OrgID:team-c ${store}/api/v1/labels
  curl -s ${metrics} | grep ^sluice_

Let a real Prometheus push here, too (prometheus.yml):

  scrape_configs:
    - job_name: prometheus
      static_configs:
        - targets: ['localhost:9090']
          labels:
            tenant: team-d   # series without one go to the tenant “default”
  remote_write:
    - url: ${push}

Ctrl-C stops it.

`
}
