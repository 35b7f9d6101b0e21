import { expect, it } from 'vitest'
import { createEngine } from '../../../src/remote-write/engine.ts'
import { pack, unpack } from '../../../src/remote-write/packed.ts'
import { message, metadata, push, rules, series } from '../../support/messages.ts'
import { concat, varintField } from '../../support/wire.ts'

it('what is packed and unpacked is what it was, with both engines', () => {
  const list = ['a', 'b', 'c'].map(tenant => series({ tenant, cluster: 'x', n: tenant }))
  const bytes = push('1.0', message('1.0', [...list, series({ none: '1' })]))
  for (const name of ['wasm', 'reference'] as const) {
    const result = createEngine(name).split(bytes, rules({ strip: true }))
    expect(unpack(pack(result))).toEqual(result)
    expect(pack(result).buffers).toHaveLength(name === 'wasm' ? 1 : 3)
  }
  const fault = createEngine('wasm').split({ ...bytes, body: Uint8Array.of(9) }, rules())
  expect(unpack(pack(fault))).toEqual(fault)
})

it('what is reported travels along, with names of any text', () => {
  const list = [series({ tenant: 'a', __name__: 'x\ny' }), series({ tenant: 'b', __name__: 'é\0' })]
  const bytes = push('1.0', concat(message('1.0', list), metadata('m\n', 'help')))
  const result = createEngine('wasm').split(bytes, rules({ metadata: 'report', families: 'names' }))
  expect(result).toMatchObject({ reported: { names: [{ names: ['x\ny'] }, { names: ['é\0'] }] } })
  expect(unpack(structuredClone(pack(result)))).toEqual(result)
})

it('replicas stay apart, whatever stands in their labels', () => {
  const list = [
    series({ tenant: 'a', cluster: 'x\ny', __replica__: 'z' }),
    series({ tenant: 'b', cluster: 'x', __replica__: 'y\nz' }),
    series({ tenant: 'c', cluster: 'x\ny', __replica__: 'z' }),
    // Its replicas differ, so its share travels alone.
    series({ tenant: 'c', cluster: 'x', __replica__: 'z' }),
  ]
  const result = createEngine('wasm').split(push('1.0', message('1.0', list)), rules())
  const unpacked = unpack(pack(result))
  expect(unpacked).toEqual(result)
  expect(unpacked.ok && unpacked.shares[0]?.ha).not.toEqual(unpacked.ok && unpacked.shares[1]?.ha)
  expect(pack(result).ha).toHaveLength(2)
})

it('shares of all kinds and both protocols come back as they were', () => {
  const exemplars = [{ labels: [], rest: varintField(3, 1) }]
  const list = ['a', 'b'].flatMap(tenant => [
    series({ tenant, n: 'x' }),
    series({ tenant, n: 'y' }, { samples: [], exemplars }),
  ])
  const result = createEngine('wasm').split(push('1.0', message('1.0', list)), rules({ output: '2.0' }))
  expect(result.ok && result.shares.map(it => `${it.kind} ${it.protocol}`)).toEqual([
    'series 2.0',
    'aside 1.0',
    'series 2.0',
    'aside 1.0',
  ])
  expect(unpack(structuredClone(pack(result)))).toEqual(result)
})
