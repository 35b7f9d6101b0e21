/** Returns the candidate that somebody who wrote `name` most likely meant, undefined where none is close. Dots part sections. */
export function nearestKey(name: string, candidates: readonly string[]): string | undefined {
  const wanted = plain(name)
  const last = plain(lastPart(name))
  let best: string | undefined
  let least = Math.max(1, Math.floor(wanted.length / 4)) + 1
  for (const candidate of candidates) {
    // The right name in the wrong section counts like one wrong letter.
    const moved = lastPart(candidate) === last ? 1 : Number.POSITIVE_INFINITY
    const steps = Math.min(distance(wanted, candidate), moved)
    if (steps < least) {
      least = steps
      best = candidate
    }
  }
  return best
}

function plain(name: string): string {
  return name.slice(0, 128).toLowerCase().replaceAll('-', '_')
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1)
}

/** Levenshtein: how many letters to insert, delete or replace. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replace, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
