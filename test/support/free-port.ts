import { createServer } from 'node:net'

/** Where systems take no port from for those who don't care which they get: connections, and servers on port 0. */
const [FIRST, END] = [10_000, 32_768]

// One after the other, from anywhere: files that run at the same time meet at none, and none is given twice.
let next = FIRST + Math.floor(Math.random() * (END - FIRST))

/** A port of 127.0.0.1 that was free a moment ago, for processes that can't tell which one they took. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = next++
    if (next === END) next = FIRST
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false)
      else reject(error)
    })
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
