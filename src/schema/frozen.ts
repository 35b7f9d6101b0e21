import type { FollowedFile } from './followed-file.ts'
import type { Secret } from './secret.ts'

/** All of a value, to the last list, as it is when nobody may change it. */
export type Frozen<T> = T extends Secret | FollowedFile
  ? T
  : T extends readonly (infer I)[]
    ? readonly Frozen<I>[]
    : T extends object
      ? { readonly [N in keyof T]: Frozen<T[N]> }
      : T

/** Freezes a value and all that it holds; what a followed file holds may still change. */
export function frozen<T extends object>(value: T): Frozen<T> {
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null && !Object.isFrozen(part)) frozen(part)
  }
  return Object.freeze(value) as Frozen<T>
}
