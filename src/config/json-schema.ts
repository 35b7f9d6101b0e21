import { type Key, listed, type Node, type Section, shortKeyOf } from '../schema/key.ts'
import { SCHEMA } from './schema.ts'

/**
 * The JSON Schema that editors check `sluice.yaml` with: keys, types and bounds; what holds between keys is beyond it. It is
 * of values as YAML types them, where ours start from texts, so it comes from the table and not from valibot's schema.
 */
export function jsonSchema(): object {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Sluice',
    ...ofSection(SCHEMA),
    definitions: { variable: { type: 'string', pattern: '\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}' } },
  }
}

function ofNode(node: Node): object {
  switch (node.kind) {
    case 'key':
      return ofKey(node)
    case 'section':
      return ofSection(node)
    case 'named':
      return {
        description: plain(node.sentence),
        type: ['object', 'null'],
        propertyNames: named(node.name.json),
        additionalProperties: ofNode(node.of),
      }
    case 'listed':
      return { description: plain(node.sentence), type: ['array', 'null'], items: ofSection(node.of) }
  }
}

/** What is required is so in a section of several alone: elsewhere a variable may hold it. */
function ofSection(section: Section): object {
  const { sentence, keys } = section
  const properties = Object.entries(keys).map(([name, node]) => [name, ofNode(node)])
  const required = Object.entries(keys).flatMap(([name, node]) =>
    node.kind === 'key' && node.required !== undefined ? [name] : [],
  )
  const map = {
    type: required.length > 0 ? 'object' : ['object', 'null'],
    additionalProperties: false,
    properties: Object.fromEntries(properties),
    ...(required.length > 0 ? { required } : {}),
  }
  const description = plain(sentence)
  const short = shortKeyOf(section)
  return short === undefined ? { description, ...map } : { description, anyOf: [short[1].json, map] }
}

function ofKey(key: Key): object {
  const one = orVariable(key.leaf.json)
  const several = { type: 'array', items: one, ...(key.default === undefined ? { minItems: 1 } : {}) }
  const value = key.list ? several : one
  return {
    description: plain(key.sentence),
    ...(key.default === undefined ? {} : { default: defaultOf(key, key.default) }),
    ...(key.required === undefined ? orNothing(value) : value),
  }
}

/** `${NAME}` may stand for anything; where any text is fine, it is one. */
function orVariable(json: Json): Json {
  if ([json.type].flat().includes('string') && json.pattern === undefined) return json
  const ways: readonly unknown[] = Array.isArray(json.anyOf) ? json.anyOf : [json]
  return { anyOf: [...ways, { $ref: '#/definitions/variable' }] }
}

function defaultOf(key: Key, text: string): unknown {
  if (key.list) return listed(text)
  return key.leaf.name === 'boolean' || key.leaf.name === 'integer' ? JSON.parse(text) : text
}

/** A name is always a string. */
function named(json: object): object {
  return 'pattern' in json ? { pattern: json.pattern } : {}
}

interface Json {
  readonly type?: unknown
  readonly anyOf?: unknown
  readonly pattern?: unknown
}

/** `key:` alone is the same as leaving it out. */
function orNothing(json: Json): Json {
  if (Array.isArray(json.anyOf)) return { ...json, anyOf: [...json.anyOf, { type: 'null' }] }
  return { ...json, type: [json.type, 'null'].flat() }
}

function plain(sentence: string): string {
  return sentence.replaceAll('`', '')
}
