/** Splits one push by the reference on a thread of its own, whose heap the starter limits. */
import { parentPort, workerData } from 'node:worker_threads'
import { splitByReference } from '../../src/split/reference/engine.ts'
import type { Push, SplitRules } from '../../src/split/split.ts'

const { push, rules } = workerData as { push: Push; rules: SplitRules }
parentPort?.postMessage(splitByReference(push, rules))
