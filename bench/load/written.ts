/** What a store of remote write 2.0 says of a request: how much of each kind it has written. */
import { uncompressSync } from 'snappy'

interface Written {
  samples: number
  histograms: number
  exemplars: number
}

/** Counts the whole of a 2.0 body, a snappy block; throws where it is none. Hops over fields and decodes nothing. */
export function writtenBy(body: Uint8Array): Readonly<Written> {
  // Copied into memory that V8 counts: otherwise the garbage collector sees no reason to free it.
  const message = uncompressSync(body, { copyOutputData: true }) as Buffer
  const written: Written = { samples: 0, histograms: 0, exemplars: 0 }
  const ofSeries = (number: number) => {
    if (number === 2) written.samples++
    else if (number === 3) written.histograms++
    else if (number === 4) written.exemplars++
  }
  eachField(message, 0, message.length, (number, start, end) => {
    if (number === 5) eachField(message, start, end, ofSeries)
  })
  return written
}

export const writtenHeaders = ({ samples, histograms, exemplars }: Readonly<Written>) => ({
  'X-Prometheus-Remote-Write-Samples-Written': `${samples}`,
  'X-Prometheus-Remote-Write-Histograms-Written': `${histograms}`,
  'X-Prometheus-Remote-Write-Exemplars-Written': `${exemplars}`,
})

/** Knows varints and length-delimited fields, which is all that either level of these messages has. */
function eachField(
  message: Uint8Array,
  from: number,
  to: number,
  visit: (number: number, start: number, end: number) => void,
): void {
  for (let at = from; at < to; ) {
    const tag = message[at++]!
    const kind = tag & 7
    if ((kind !== 0 && kind !== 2) || tag >= 0x80) throw new Error(`an unknown field at ${at - 1}`)
    let value = 0
    for (let place = 1; ; place *= 0x80) {
      const byte = message[at++]
      if (byte === undefined || place > 2 ** 63) throw new Error(`no varint at ${at - 1}`)
      value += (byte & 0x7f) * place
      if (byte < 0x80) break
    }
    const end = kind === 2 ? at + value : at
    if (end > to) throw new Error(`a field beyond the end at ${at}`)
    visit(tag >> 3, at, end)
    at = end
  }
}
