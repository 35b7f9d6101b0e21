import type { Key, Named, Section } from '../schema/key.ts'
import { EXAMPLES } from './sample.ts'
import { SCHEMA, variablesOf } from './schema.ts'

/** `docs/configuration.md`: a table per section. */
export function renderReference(): string {
  const keys: Section['keys'] = SCHEMA.keys
  const sections = Object.entries(keys).flatMap(([name, node]) => {
    if (node.kind === 'key') return []
    const title = code(name)
    if (node.kind === 'section') return [renderTable(title, node, `${name}.`)]
    const base = node.kind === 'named' ? `${name}.NAME.` : `${name}[].`
    return [renderMany(title, node, { base, example: EXAMPLES[name] ?? '' })]
  })
  return [INTRODUCTION, renderTable('Top level', SCHEMA, ''), ...sections].join('\n')
}

function renderTable(title: string, section: Section, base: string): string {
  const rows = keysOf(section, base, base === '').map(([path, key]) =>
    renderRow(path, variablesOf(path, key).map(code).join('<br>'), key),
  )
  return `## ${title}

${section.sentence}

| Key | Variables | Type | Default | Meaning |
|---|---|---|---|---|
${rows.join('\n')}
`
}

/** Sections that there may be several of have no variables. */
function renderMany(
  title: string,
  { sentence, of }: Pick<Named, 'sentence' | 'of'>,
  { base, example }: { readonly base: string; readonly example: string },
): string {
  const rows = of.kind === 'section' ? keysOf(of, base, false) : []
  return `## ${title}

${sentence}

\`\`\`yaml
${example}\`\`\`

| Key | Type | Default | Meaning |
|---|---|---|---|
${rows.map(([path, key]) => renderRow(path, undefined, key)).join('\n')}
`
}

/** `flat` leaves out what is in sections of its own. */
function keysOf(section: Section, base: string, flat: boolean): (readonly [path: string, key: Key])[] {
  return Object.entries(section.keys).flatMap(([name, node]): (readonly [string, Key])[] => {
    if (node.kind === 'key') return [[base + name, node]]
    if (flat || node.kind === 'listed') return []
    if (node.kind === 'section') return keysOf(node, `${base}${name}.`, false)
    return node.of.kind === 'key'
      ? [[`${base}${name}.NAME`, node.of]]
      : keysOf(node.of, `${base}${name}.NAME.`, false)
  })
}

function renderRow(path: string, variables: string | undefined, key: Key): string {
  const cells = [
    code(path),
    ...(variables === undefined ? [] : [variables]),
    key.list ? `list: ${key.leaf.name}` : key.leaf.name,
    defaultOf(key),
    `${key.sentence}${RESTART[`${key.restart}`] ?? ''}`,
  ]
  return `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

const RESTART: Readonly<Record<string, string>> = {
  true: ' *Restart.*',
  presence: ' *Restart* where this turns TLS on or off.',
}

function code(text: string): string {
  return `\`${text}\``
}

function defaultOf(key: Key): string {
  if (key.default === undefined) return key.unset
  return key.default === '' ? 'empty' : code(key.default)
}

const INTRODUCTION = `# Configuration

<!-- Generated from src/config/schema.ts and the sections that it joins by npm run generate. -->

Sluice reads one YAML file, then the environment; a variable wins over the file. \`config/sluice.yaml\` holds every key,
\`config/examples\` a file for each kind of store, and \`config/schema.json\` lets an editor check while you type.
\`sluice check FILE\` names everything that is wrong, with line and column, and shows what is in force.

- **Unknown keys are errors**, and so is a key that is written twice. An unknown variable is a warning.
- **What you write is what counts.** \`default: 007\` is the tenant \`007\`, and \`12:34\` stays. A key with nothing behind it
  is not set.
- **\`\${NAME}\`** in a value is replaced by that variable, after the file was parsed, so that no variable can change what
  the file says elsewhere; one newline at the end of the variable is cut. One that is not set is an error. \`$\${\` is a
  literal \`\${\`, and any other \`$\` is itself. Listings and errors show what was written, not the variable.
- **Files** that a key names (\`password_file\`, \`ca_bundle_file\`, \`cert_file\`, \`key_file\`) are read by \`sluice check\`, too, and
  must hold what they are for. A running Sluice follows them; one newline at the end of a password is cut.
- **Restart.** A change of a key that says so takes effect with the next start; of all others, with a reload.
- **What is a key.** A key only where two operators want different values; else a constant. These are constants:
  - Files that a key names are looked at every 5 s, our own certificate and key every 10 s.
  - At most 256 worker threads, and 596h for any duration.
  - A tenant is at most 150 bytes long.
- **Variables.** Each key has one, but for those of \`upstreams\` and \`routes\`: \`SLUICE_\` and its path in upper case.
  cortex-tenant's \`CT_*\` work too; where both are set, \`SLUICE_*\` wins. An empty variable changes nothing. A list is
  separated by commas.
- **boolean**: true, false, yes, no, on or off; in variables 1, t, true, 0, f or false.
- **duration**: \`100ms\`, \`10s\`, \`1h30m\`, or a bare \`0\`; up to 596h. Anything below a millisecond is rounded up to one.
- **size**: a number of bytes, or \`512KiB\`, \`8MiB\`, \`1.5GiB\` (powers of 1024), \`32MB\` (powers of 1000).
- **address**: \`127.0.0.1:8080\`, \`[::1]:8080\`, or \`:8080\` for all IPv4 interfaces. Port 0 takes a free one.
- **secret**: never shown, neither in errors nor in listings.
- Where cortex-tenant takes an empty value or 0 for "not set", Sluice does so too: the addresses, \`target\`, \`log_level\`,
  \`timeout\`, \`idle_timeout\`, \`concurrency\`, \`max_conns_per_host\`, \`tenant.label\`, \`tenant.label_list\` and \`tenant.header\`.
`
