import { type Key, listed, type Section, shortKeyOf } from './key.ts'
import { SCHEMA } from './schema.ts'

/** The JSON Schema that editors check `sluice.yaml` with: keys, types and bounds; what holds between keys is beyond it. */
export function jsonSchema(): object {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Sluice',
    ...ofSection(SCHEMA),
  }
}

function ofSection(section: Section): object {
  const { sentence, keys } = section
  const properties = Object.entries(keys).map(([name, node]) => [
    name,
    node.kind === 'key' ? ofKey(node) : ofSection(node),
  ])
  const map = {
    type: ['object', 'null'],
    additionalProperties: false,
    properties: Object.fromEntries(properties),
  }
  const description = sentence.replaceAll('`', '')
  const short = shortKeyOf(section)
  return short === undefined ? { description, ...map } : { description, anyOf: [short[1].json, map] }
}

function ofKey(key: Key): object {
  const value = key.list ? { type: 'array', items: key.leaf.json } : key.leaf.json
  return {
    description: key.sentence.replaceAll('`', ''),
    ...(key.default === undefined ? {} : { default: defaultOf(key, key.default) }),
    ...orNothing(value),
  }
}

function defaultOf(key: Key, text: string): unknown {
  if (key.list) return listed(text)
  return key.leaf.name === 'boolean' || key.leaf.name === 'integer' ? JSON.parse(text) : text
}

/** `key:` alone is the same as leaving it out. */
function orNothing(json: { type?: unknown; enum?: unknown; anyOf?: unknown }): object {
  if (Array.isArray(json.enum)) return { ...json, enum: [...json.enum, null] }
  if (Array.isArray(json.anyOf)) return { ...json, anyOf: [...json.anyOf, { type: 'null' }] }
  return { ...json, type: [json.type, 'null'].flat() }
}
