import { describe, expect, test } from 'vitest'
import { readEnvironment } from '../../../src/config/environment.ts'
import { KEYS, variableOf } from '../../../src/config/schema.ts'

function textsOf(env: Record<string, string>): Record<string, readonly string[]> {
  const { variables } = readEnvironment(env)
  return Object.fromEntries(variables.map(({ path, texts }) => [path, texts]))
}

describe('the environment', () => {
  test('gives way to nothing where a variable is empty', () => {
    expect(textsOf({ CT_LISTEN: '', SLUICE_TARGET: '' })).toEqual({})
  })

  test('prefers our variable to the peer’s, unless ours is empty', () => {
    expect(textsOf({ CT_LISTEN: ':1', SLUICE_LISTEN: ':2' })).toEqual({ listen: [':2'] })
    expect(textsOf({ CT_LISTEN: ':1', SLUICE_LISTEN: '' })).toEqual({ listen: [':1'] })
  })

  test('separates lists by commas', () => {
    expect(textsOf({ CT_TENANT_LABEL_LIST: 'a, b,,c ' })).toEqual({ 'tenant.label_list': ['a', 'b', 'c'] })
  })

  test('takes every other text as it is', () => {
    expect(textsOf({ SLUICE_TENANT_PREFIX: ' a,b: #c' })).toEqual({ 'tenant.prefix': [' a,b: #c'] })
  })

  test('has one variable for each key, and no name twice', () => {
    const names = KEYS.flatMap(({ path, key }) => [
      variableOf(path),
      ...(key.ct === undefined ? [] : [key.ct]),
    ])
    expect(new Set(names).size).toBe(names.length)
    for (const { path } of KEYS) expect(textsOf({ [variableOf(path)]: 'x' })).toEqual({ [path]: ['x'] })
  })

  test('warns of a variable that nobody reads, and names the nearest', () => {
    expect(readEnvironment({ SLUICE_TENANT_LABLE: 'x', CT_FOO: 'secret', OTHER: 'x' }).warnings).toEqual([
      { key: 'CT_FOO', message: 'is not a variable of Sluice and has no effect' },
      {
        key: 'SLUICE_TENANT_LABLE',
        message: 'is not a variable of Sluice and has no effect; did you mean SLUICE_TENANT_LABEL?',
      },
    ])
  })

  test('is silent about the tests’ own variable and about what Kubernetes sets for a service', () => {
    const links = [
      'SERVICE_HOST',
      'SERVICE_PORT',
      'SERVICE_PORT_HTTP',
      'PORT',
      'PORT_8080_TCP',
      'PORT_8080_TCP_ADDR',
    ]
    const names = links.flatMap(link => [`SLUICE_${link}`, `SLUICE_METRICS_${link}`])
    const env = Object.fromEntries([...names, 'SLUICE_PEERS'].map(name => [name, 'x']))
    expect(readEnvironment(env)).toEqual({ variables: [], warnings: [] })
  })
})
