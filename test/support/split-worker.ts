/** Splits one push by the reference on a thread of its own, whose heap the starter limits. */
import { parentPort, workerData } from 'node:worker_threads'
import { splitByReference } from '../../src/remote-write/reference/engine.ts'
import type { Push, SplitRules } from '../../src/remote-write/split.ts'

const { push, rules } = workerData as { push: Push; rules: SplitRules }
parentPort?.postMessage(splitByReference(push, rules))
