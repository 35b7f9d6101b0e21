/**
 * Holds V8's young generation at what the work needs. All shares under way lie in it; where they fill half of it, each
 * collection copies them, which takes a third of the CPU with 1,000 tenants in 32 MB (`npm run bench -- load --senders 8
 * --tenants 1000`: 8.9 CPU-s per million samples, 7.5 in 64 MB). With fewer tenants the larger one would only be memory.
 *
 * How large it may become at most is a flag of the process (src/sluice.js); how fast it grows is heeded while running.
 */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** From here on it is not to grow by itself; until that is heeded it has doubled once more, which is what few tenants get. */
const FEW_BYTES = 16 * 1024 * 1024
const MANY_TENANTS = 300
const INTERVAL_MS = 100

/** `tenants`: how many have been seen lately. Returns what ends it. */
export function holdYoungGeneration(tenants: () => number): () => void {
  let grows = true
  const look = () => {
    const wanted = tenants() >= MANY_TENANTS || youngBytes() < FEW_BYTES
    if (wanted === grows) return
    grows = wanted
    // The factor by which it grows when much of it survives.
    setFlagsFromString(`--semi-space-growth-factor=${grows ? 2 : 1}`)
  }
  const timer = setInterval(look, INTERVAL_MS)
  timer.unref()
  return () => clearInterval(timer)
}

/** Both halves together. */
function youngBytes(): number {
  return getHeapSpaceStatistics().find(space => space.space_name === 'new_space')?.space_size ?? 0
}
