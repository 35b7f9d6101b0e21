/** `npm run bench -- NAME …` runs NAME.ts of this folder with the rest of the arguments as its own. */
import { readdir } from 'node:fs/promises'

const files = (await readdir(import.meta.dirname)).filter(file => file.endsWith('.ts') && file !== 'run.ts')
const names = files.map(file => file.slice(0, -'.ts'.length))
const [name = ''] = process.argv.splice(2, 1)
if (names.includes(name)) await import(`./${name}.ts`)
else {
  process.stderr.write(`npm run bench -- ${names.join(' | ')}\n`)
  process.exitCode = 2
}
