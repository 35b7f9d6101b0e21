import type { Key, Section } from './key.ts'
import { SCHEMA, variablesOf } from './schema.ts'

/** `docs/configuration.md`: a table per section. */
export function renderReference(): string {
  const top: Section = SCHEMA
  const sections = Object.entries(top.keys).flatMap(([name, node]) =>
    node.kind === 'section' ? [renderTable(`\`${name}\``, node, `${name}.`)] : [],
  )
  return [INTRODUCTION, renderTable('Top level', top, ''), ...sections].join('\n')
}

function renderTable(title: string, section: Section, base: string): string {
  const rows = rowsOf(section, base, base === '')
  return `## ${title}

${section.sentence}

| Key | Variables | Type | Default | Meaning |
|---|---|---|---|---|
${rows.join('\n')}
`
}

function rowsOf(section: Section, base: string, flat: boolean): string[] {
  return Object.entries(section.keys).flatMap(([name, node]) => {
    if (node.kind === 'section') return flat ? [] : rowsOf(node, `${base}${name}.`, false)
    return [renderRow(base + name, node)]
  })
}

function renderRow(path: string, key: Key): string {
  const cells = [
    `\`${path}\``,
    variablesOf(path, key)
      .map(name => `\`${name}\``)
      .join('<br>'),
    key.list ? `list: ${key.leaf.name}` : key.leaf.name,
    defaultOf(key),
    key.sentence,
  ]
  return `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function defaultOf(key: Key): string {
  if (key.default === undefined) return key.unset
  return key.default === '' ? 'empty' : `\`${key.default}\``
}

const INTRODUCTION = `# Configuration

<!-- Generated from src/config/schema.ts by npm run generate. -->

Sluice reads one YAML file, then the environment; a variable wins over the file. \`config/sluice.yaml\` holds every key,
\`config/examples\` a file for each kind of store, and \`config/schema.json\` lets an editor check while you type.
\`sluice check --config FILE\` names everything that is wrong, with line and column, and shows what is in force.

- **Unknown keys are errors**, and so is a key that is written twice. An unknown variable is a warning.
- **What you write is what counts.** \`default: 007\` is the tenant \`007\`, and \`12:34\` stays. A key with nothing behind it
  is not set.
- **Variables.** Each key has one: \`SLUICE_\` and its path in upper case. cortex-tenant's \`CT_*\` work too; where both are
  set, \`SLUICE_*\` wins. An empty variable changes nothing. A list is separated by commas.
- **boolean**: true, false, yes, no, on or off; in variables 1, t, true, 0, f or false.
- **duration**: \`100ms\`, \`10s\`, \`1h30m\`, or a bare \`0\`; up to 596h. Anything below a millisecond is rounded up to one.
- **size**: a number of bytes, or \`512KiB\`, \`8MiB\`, \`1.5GiB\` (powers of 1024), \`32MB\` (powers of 1000).
- **address**: \`127.0.0.1:8080\`, \`[::1]:8080\`, or \`:8080\` for all IPv4 interfaces. Port 0 takes a free one.
- **secret**: never shown, neither in errors nor in listings.
- Where cortex-tenant takes an empty value or 0 for "not set", Sluice does so too: the addresses, \`target\`, \`log_level\`,
  \`timeout\`, \`idle_timeout\`, \`concurrency\`, \`max_conns_per_host\`, \`tenant.label\`, \`tenant.label_list\` and \`tenant.header\`.
`
