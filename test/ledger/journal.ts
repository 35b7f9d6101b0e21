/**
 * What the recording store has taken in, in order, as a file. It survives kill -9 of the store: the bytes are with the
 * kernel before the request is answered, and a record that was cut in the middle is the last of its file.
 */
import { openSync, readFileSync, writeSync } from 'node:fs'

/** One request as the store got it. */
export interface Entry {
  /** The fault proxy's number of the request. */
  readonly request: number
  /** By the path, where one server is several stores; else ''. It has no slash. */
  readonly store: string
  readonly tenant: string
  readonly samples: readonly StoredSample[]
}

interface StoredSample {
  readonly value: number
  readonly timestamp: number
  readonly labelsHash: number
}

const SAMPLE_BYTES = 20

export class Journal {
  readonly #file: number

  constructor(path: string) {
    this.#file = openSync(path, 'ax')
  }

  append({ request, store, tenant, samples }: Entry): void {
    const name = Buffer.from(`${store}/${tenant}`)
    const record = Buffer.alloc(10 + name.length + samples.length * SAMPLE_BYTES)
    record.writeUInt32LE(record.length, 0)
    record.writeUInt32LE(request, 4)
    record.writeUInt16LE(name.length, 8)
    let at = 10 + name.copy(record, 10)
    for (const { value, timestamp, labelsHash } of samples) {
      record.writeDoubleLE(value, at)
      record.writeDoubleLE(timestamp, at + 8)
      record.writeUInt32LE(labelsHash, at + 16)
      at += SAMPLE_BYTES
    }
    for (let written = 0; written < record.length; ) written += writeSync(this.#file, record, written)
  }
}

export function* readJournal(path: string): Generator<Entry> {
  const bytes = readFileSync(path)
  for (let start = 0; start + 4 <= bytes.length; ) {
    const end = start + bytes.readUInt32LE(start)
    if (end > bytes.length) return
    const nameEnd = start + 10 + bytes.readUInt16LE(start + 8)
    const samples: StoredSample[] = []
    for (let at = nameEnd; at < end; at += SAMPLE_BYTES)
      samples.push({
        value: bytes.readDoubleLE(at),
        timestamp: bytes.readDoubleLE(at + 8),
        labelsHash: bytes.readUInt32LE(at + 16),
      })
    const name = bytes.toString('utf8', start + 10, nameEnd)
    const slash = name.indexOf('/')
    yield {
      request: bytes.readUInt32LE(start + 4),
      store: name.slice(0, slash),
      tenant: name.slice(slash + 1),
      samples,
    }
    start = end
  }
}
