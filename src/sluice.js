#!/usr/bin/env node
// Plain JavaScript that every Node of the last ten years can parse: an old one could not even say what it lacks.
const needed = 24
const found = Number(process.versions.node.split('.')[0])
if (found < needed) {
  process.stderr.write(
    `sluice needs Node.js ${needed} or newer; this is ${process.version}.\n` +
      'In the repository, `npm ci && npm start` brings the right one; elsewhere, install a current Node.js from nodejs.org.\n',
  )
  process.exit(1)
}
// Node does not strip types below node_modules, so an installed package runs what `npm pack` compiled.
const installed = import.meta.url.includes('/node_modules/')
if (!installed) {
  // The sources' compiled form is kept beside them: half the time to start, and 40 MB less that strip types. Threads heed
  // the variable alone. Not in the temporary directory, where others could put code into it.
  const { enableCompileCache } = await import('node:module')
  const { fileURLToPath } = await import('node:url')
  process.env.NODE_COMPILE_CACHE ??= fileURLToPath(
    new URL('../node_modules/.cache/compiled', import.meta.url),
  )
  enableCompileCache(process.env.NODE_COMPILE_CACHE)
}
await import(installed ? '../dist/src/main.js' : './main.ts')
