/** Where something was written: in a file, or in an environment variable. Line and column count from 1. */
export interface Place {
  /** The file's or the variable's name. */
  readonly name: string
  readonly line?: number
  readonly column?: number
}

export interface ConfigProblem {
  readonly place: Place
  /** The key as in the YAML file; empty where the file is no YAML. */
  readonly key: string
  readonly found: string
  readonly allowed: string
}

/** Everything that is wrong with a configuration at once, so that it is put right in one go. Holds no secret. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    const heading =
      problems.length === 1
        ? 'The configuration has a problem:'
        : `The configuration has ${problems.length} problems:`
    super([heading, ...problems.map(problem => `  ${formatProblem(problem)}`)].join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** `sluice.yaml:3:10: timeout: found "10"; allowed: a duration …` */
function formatProblem({ place, key, found, allowed }: ConfigProblem): string {
  return `${formatPlace(place)}: ${key === '' ? '' : `${key}: `}found ${found}; allowed: ${allowed}`
}

export function formatPlace({ name, line, column }: Place): string {
  return [name, line, column].filter(part => part !== undefined).join(':')
}

/** Shows a text in a message: on one line, printable, of bounded length. */
export function quote(text: string): string {
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
  return shown.replace(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** What a parser returns where a text is not a value of its type: says what is. */
export class Misfit {
  readonly allowed: string

  constructor(allowed: string) {
    this.allowed = allowed
  }
}
