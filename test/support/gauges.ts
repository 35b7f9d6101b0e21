import { setTimeout as sleep } from 'node:timers/promises'

/** Gauges of what is in flight or waits in a Sluice, as `NAME VALUE`, that are not 0 and stay so for two seconds. */
export async function busyGauges(metricsPort: number): Promise<readonly string[]> {
  for (let tries = 0; ; tries++) {
    const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`)
    const lines = (await response.text()).split('\n')
    const gauges = lines.filter(
      line => /^sluice_\w*(in_flight|waiting|queued)/.test(line) && !line.includes('_limit'),
    )
    if (gauges.length === 0) throw new Error('no gauge of what is in flight')
    const busy = gauges.filter(line => !line.endsWith(' 0'))
    // An answer leaves a moment before its permit is back.
    if (busy.length === 0 || tries === 20) return busy
    await sleep(100)
  }
}
