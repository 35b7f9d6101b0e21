/** What is known of one inbound connection: its sender, and when it is to end. */
import type { Socket } from 'node:net'
import { Sender } from '../lanes/quarantine.ts'

export interface ConnectionOptions {
  /** 0 keeps it as long as its sender does. */
  readonly maxAgeMs: number
  readonly now: () => number
  readonly random: () => number
}

export class Connection {
  readonly sender = new Sender()
  readonly #endsAt: number

  constructor(endsAt: number) {
    this.#endsAt = endsAt
  }

  /** Whether its next answer should be its last, so that a new replica behind the load balancer gets its share. */
  isOld(now: number): boolean {
    return now >= this.#endsAt
  }
}

/** Finds the connection of a socket; what is kept goes with the socket. */
export function createConnections({
  maxAgeMs,
  now,
  random,
}: ConnectionOptions): (socket: Socket) => Connection {
  const known = new WeakMap<Socket, Connection>()
  return socket => {
    let connection = known.get(socket)
    if (connection === undefined) {
      // Senders that came together must not leave together: a tenth of chance, both ways.
      const age = maxAgeMs === 0 ? Number.POSITIVE_INFINITY : maxAgeMs * (0.9 + random() / 5)
      connection = new Connection(now() + age)
      known.set(socket, connection)
    }
    return connection
  }
}
