/**
 * Who is asking. Nobody is one, too: whoever is not asked for a name has this one, so that all that is kept by sender has
 * one way to be kept.
 */
export interface Principal {
  readonly name: string
  /** How the name was proved. */
  readonly by: 'nobody'
}

export const NOBODY: Principal = Object.freeze({
  name: 'nobody',
  by: 'nobody',
})
