/** What is known of one inbound connection: what its sender did, and when it is to end. */
import type { Socket } from 'node:net'
import { Quarantine } from '../lanes/quarantine.ts'

export interface ConnectionOptions {
  /** 0 keeps it as long as its sender does. Asked for each that is new. */
  readonly maxAgeMs: () => number
  readonly now: () => number
  readonly random: () => number
}

export class Connection {
  /** What is held against a sender that has no name. */
  readonly quarantine = new Quarantine()
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
      const most = maxAgeMs()
      const age = most === 0 ? Number.POSITIVE_INFINITY : most * (0.9 + random() / 5)
      connection = new Connection(now() + age)
      known.set(socket, connection)
    }
    return connection
  }
}
