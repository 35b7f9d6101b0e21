import { jsonSchema } from './json-schema.ts'
import { renderReference } from './reference.ts'
import { renderSample } from './sample.ts'

/** Files that follow from the schema, by their path in the repository. */
export const GENERATED: readonly { readonly path: string; readonly render: () => string }[] = [
  { path: 'config/sluice.yaml', render: renderSample },
  { path: 'config/schema.json', render: () => `${JSON.stringify(jsonSchema(), null, 2)}\n` },
  { path: 'docs/configuration.md', render: renderReference },
]
