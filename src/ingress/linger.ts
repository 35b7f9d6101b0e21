/**
 * Closes a connection on which a body is left unread without losing the answer: a socket that is closed with bytes in it
 * is reset, and a reset can overtake the answer. So our side ends first, what still comes is thrown away, and after a
 * while the connection is gone in any case (RFC 9112, 9.6).
 */
import type { IncomingMessage } from 'node:http'

const LINGER_MS = 2000

/** Call it before the answer, which must say `connection: close`. */
export function lingerBeforeClose(request: IncomingMessage): void {
  const { socket } = request
  // What node:http calls when the last answer is written.
  socket.destroySoon = () => {
    socket.end()
    request.resume()
    const timer = setTimeout(() => socket.destroy(), LINGER_MS)
    timer.unref()
    socket.once('close', () => clearTimeout(timer))
  }
}
