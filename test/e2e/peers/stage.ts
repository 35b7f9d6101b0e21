/** Everything that a scenario started, stopped in reverse order: senders first, stores last. */
export interface Stoppable {
  stop(): Promise<void>
}

export class Stage {
  readonly #started: Stoppable[] = []

  /** Takes what is being started and returns it once it is ready. */
  async add<T extends Stoppable>(starting: Promise<T>): Promise<T> {
    const peer = await starting
    this.#started.push(peer)
    return peer
  }

  async clear(): Promise<void> {
    for (let peer = this.#started.pop(); peer; peer = this.#started.pop()) await peer.stop()
  }
}
