/** Rules by which all that one share holds stays together when an engine makes it anew. */
import type { SplitRules } from './split.ts'

/** No series has a tenant by its labels, so all go to the default one, whose name is put right afterwards. */
export const TOGETHER = {
  labels: [],
  precedence: 'config',
  strip: false,
  prefix: '',
  defaultTenant: 'all',
  missing: 'default',
  invalid: 'default',
  format: 'mimir',
  metadata: 'default',
  families: 'none',
  haLabels: [],
  compression: 'fast',
  maxTenants: 1,
} as const satisfies Partial<SplitRules>
