/** Configurations of the tenant, and where series go by them. cortex-tenant has the same, but for `label_precedence`. */
type LabelSet = Readonly<Record<string, string>>
export interface TenantCase {
  readonly title: string
  /** Keys of the section `tenant`. */
  readonly tenant: Readonly<Record<string, unknown>>
  readonly metadata?: true
  readonly headers?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  /** Labels of one series → the tenant it went to, and the labels it had there; undefined where it went nowhere. */
  readonly cases: readonly (readonly [labels: LabelSet, tenant: string | undefined, stored?: LabelSet])[]
}

const BOTH = { label_list: ['tenant', 'namespace'] }

export const TENANT_CASES: readonly TenantCase[] = [
  {
    title: 'by default the label is __tenant__, it stays, and there is no default tenant',
    tenant: {},
    cases: [
      [{ a: '1', __tenant__: 't1' }, 't1'],
      [{ a: '1', tenant: 't1' }, undefined],
      [{ a: '1', __tenant__: '' }, undefined],
    ],
  },
  {
    title:
      'label_remove removes the label and keeps the order of the others; the default tenant’s series stay as they are',
    tenant: { label: 'tenant', label_remove: true, default: 'other' },
    cases: [
      [{ z: '1', tenant: 't1', a: '2' }, 't1', { z: '1', a: '2' }],
      [{ z: '1', a: '2' }, 'other'],
      [{ z: '1', tenant: '', a: '2' }, 'other'],
    ],
  },
  {
    title: 'prefix stands before every tenant, the default one and that of metadata included',
    tenant: { label: 'tenant', prefix: 'p-', default: 'other' },
    metadata: true,
    cases: [
      [{ a: '1', tenant: 't1' }, 'p-t1'],
      [{ a: '1' }, 'p-other'],
    ],
  },
  {
    title: 'prefix_prefer_source puts the sender’s tenant header in the place of the prefix',
    tenant: { label: 'tenant', prefix: 'p-', prefix_prefer_source: true },
    headers: { 'x-scope-orgid': 'source' },
    cases: [[{ a: '1', tenant: 't1' }, 'source-t1']],
  },
  {
    title: 'prefix_prefer_source leaves the prefix where the sender says nothing',
    tenant: { label: 'tenant', prefix: 'p-', prefix_prefer_source: true },
    headers: { 'x-scope-orgid': '' },
    cases: [[{ a: '1', tenant: 't1' }, 'p-t1']],
  },
  {
    title: 'of a label_list the first in the series’ own order wins (as the peer 2), and only it is removed',
    tenant: { ...BOTH, label: 'ignored', label_remove: true },
    cases: [
      [{ namespace: 'ns1', tenant: 't1' }, 'ns1', { tenant: 't1' }],
      [{ tenant: 't1', namespace: 'ns1' }, 't1', { namespace: 'ns1' }],
      [{ a: '1', tenant: 't1' }, 't1', { a: '1' }],
      [{ a: '1', ignored: 't1' }, undefined],
      // An empty value counts as missing, without a look at the other label.
      [{ namespace: '', tenant: 't1' }, undefined],
    ],
  },
  {
    title: 'label_precedence series_last takes the last (as the peer 1)',
    tenant: { ...BOTH, label_precedence: 'series_last' },
    cases: [
      [{ namespace: 'ns1', tenant: 't1' }, 't1'],
      [{ tenant: 't1', namespace: 'ns1' }, 'ns1'],
    ],
  },
  {
    title: 'label_precedence config takes the first of the list that has a value',
    tenant: { ...BOTH, label_precedence: 'config' },
    cases: [
      [{ namespace: 'ns1', tenant: 't1' }, 't1'],
      [{ namespace: 'ns1', tenant: '' }, 'ns1'],
    ],
  },
  {
    title: 'CT_ variables override the file, and empty ones do not',
    tenant: { label: 'tenant', default: 'other' },
    env: { CT_TENANT_LABEL_LIST: 'x,y', CT_TENANT_DEFAULT: '', CT_TENANT_LABEL_REMOVE: 'true' },
    cases: [
      [{ x: '1', tenant: 't1' }, '1', { tenant: 't1' }],
      [{ tenant: 't1' }, 'other'],
    ],
  },
]
