/** What a process and its children have used, from /proc. Linux only. */
import { readdirSync, readFileSync } from 'node:fs'

/** utime + stime in seconds of `pid` and all below it, ended children included. */
export function cpuSeconds(pid: number): number {
  let ticks = 0
  for (const one of tree(pid)) {
    const fields = stat(one)
    // utime, stime, and the same of children that were waited for.
    for (const at of [11, 12, 13, 14]) ticks += Number(fields?.[at] ?? 0)
  }
  return ticks / TICKS_PER_SECOND
}

/** Resident bytes of `pid` and all below it: now (`VmRSS`), or the most since their start (`VmHWM`). */
export function residentBytes(pid: number, which: 'VmRSS' | 'VmHWM'): number {
  let kib = 0
  for (const one of tree(pid)) {
    const found = new RegExp(`^${which}:\\s+(\\d+) kB`, 'm').exec(read(`/proc/${one}/status`))
    kib += Number(found?.[1] ?? 0)
  }
  return kib * 1024
}

/** `getconf CLK_TCK`; Linux fixes it for all programs. */
const TICKS_PER_SECOND = 100

function tree(root: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    const fields = pid > 0 ? stat(pid) : undefined
    if (fields !== undefined) parents.set(pid, Number(fields[1]))
  }
  const found = [root]
  // Grows while it is walked.
  for (const parent of found) for (const [pid, of] of parents) if (of === parent) found.push(pid)
  return found
}

/** The fields of /proc/PID/stat after the name, which may hold blanks and brackets; [0] is the state, [1] the parent. */
function stat(pid: number): string[] | undefined {
  const text = read(`/proc/${pid}/stat`)
  return text === '' ? undefined : text.slice(text.lastIndexOf(')') + 2).split(' ')
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // It ended meanwhile.
  }
}
