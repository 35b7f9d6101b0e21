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

// Some things must be told before the process starts, so a server starts itself once more, in place (same pid).
// glibc keeps freed memory of bodies and shares for itself, and learns from them to keep ever larger pieces, unless told
// otherwise. Pieces below the first number it still keeps, because a page that comes anew from the kernel costs more than
// what is written to it: with `npm run bench -- load`, 64 KiB instead of 1 MiB took a fifth more CPU with 50 senders and 10 to 1,000
// tenants, for 10 MiB less. V8's old generation is collected when it has grown by three quarters instead of several times:
// with 1,000 tenants 50 senders take 260 instead of 308 to 330 MiB, 8 senders 225 instead of 271 to 282, for up to 15 %
// more CPU. Whoever sets one of these variables or the flag is left alone; other C libraries ignore the variables.
const { MALLOC_MMAP_THRESHOLD_: mmap, MALLOC_TRIM_THRESHOLD_: trim } = process.env
const serves = /^(serve|--?config\b)/.test(process.argv[2] ?? '')
if (serves && mmap === undefined && trim === undefined && process.platform === 'linux' && process.execve) {
  const { execPath, execArgv, argv, env } = process
  const memory = { MALLOC_MMAP_THRESHOLD_: '1048576', MALLOC_TRIM_THRESHOLD_: '4194304' }
  const chosen = /heap.growing/.test([env.NODE_OPTIONS, ...execArgv].join(' '))
  const flags = chosen ? execArgv : ['--heap-growing-percent=75', ...execArgv]
  process.execve(execPath, [execPath, ...flags, ...argv.slice(1)], { ...env, ...memory })
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
