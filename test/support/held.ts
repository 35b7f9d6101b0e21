import type { Respond } from './receiver.ts'

/** Answers of a store that come when they are told to; all are 204. */
export function held() {
  const waiting: (() => void)[] = []
  const respond: Respond = (_received, response) => {
    waiting.push(() => response.writeHead(204).end())
  }
  const release = () => {
    for (const answer of waiting.splice(0)) answer()
  }
  return { respond, release, waiting }
}
