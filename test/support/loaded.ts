/** Starts serving, stops, and prints which files of packages that loaded, as JSON. */
import { createRequire } from 'node:module'
import { serve } from '../../src/cli/serve.ts'

Object.assign(process.env, {
  SLUICE_TARGET: 'http://127.0.0.1:1/push',
  SLUICE_LISTEN: '127.0.0.1:0',
  SLUICE_LISTEN_METRICS_ADDRESS: '127.0.0.1:0',
  SLUICE_TIMEOUT_SHUTDOWN: '0s',
})
await serve(undefined, AbortSignal.abort())
const files = Object.keys(createRequire(import.meta.url).cache)
process.stdout.write(JSON.stringify(files.map(file => file.split('/node_modules/').at(-1))))
