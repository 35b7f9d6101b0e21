/**
 * Aborts at the first SIGTERM or SIGINT; a second one ends the process at once, for whoever can't wait for the drain.
 * SIGHUP does nothing until somebody listens (`onHangup`): cortex-tenant dies of it, although its own service file sends
 * it to reload.
 */
export function signals(): AbortSignal {
  const stop = new AbortController()
  const onSignal = (signal: NodeJS.Signals) => {
    if (stop.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143)
    stop.abort(signal)
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  process.on('SIGHUP', () => {})
  return stop.signal
}

/** Calls `work` at each SIGHUP. */
export function onHangup(work: () => void): void {
  process.on('SIGHUP', work)
}
