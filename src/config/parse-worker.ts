/** Parses one file on a thread of its own, and ends: see off-thread.ts. */
import { parentPort, workerData } from 'node:worker_threads'
import { readFile } from './file.ts'

parentPort?.postMessage(readFile(workerData.name, workerData.text))
