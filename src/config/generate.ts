/** Writes what follows from the schema: `npm run generate`. A test compares the files with what this would write. */
import { writeFileSync } from 'node:fs'
import { GENERATED } from './generated.ts'

for (const { path, render } of GENERATED) {
  writeFileSync(new URL(`../../${path}`, import.meta.url), render())
}
