import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/**
 * unit      one noun at a time, mirrors src/
 * property  random input against the reference or an invariant
 * process   the real process over sockets; needs nothing but npm
 * e2e       real peers (Prometheus, Cortex, …), found through SLUICE_PEERS and PATH
 */
export default defineConfig({
  test: {
    projects: ['unit', 'property', 'process', 'e2e'].map(name => ({
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        testTimeout: name === 'e2e' ? 180_000 : 30_000,
        hookTimeout: name === 'e2e' ? 180_000 : 30_000,
        // Peers are heavy, and these machines are small.
        ...(name === 'e2e' ? { fileParallelism: false } : {}),
        // Loading everything once more for each file takes 0.3 s of CPU, and no file changes what another one loads.
        isolate: name === 'e2e',
      },
    })),
    // Two where there are two cores, too: half the time a test waits, for a process or for the clock.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    coverage: { provider: 'v8', include: ['src/**/*.ts', 'workers/*.ts'] },
  },
})
