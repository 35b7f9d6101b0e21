/** The fault proxy as a process of its own: troubles for the tenants whose name begins with `sick-`, none for others. */
import { answerCalls, childOptions } from '../../test/support/child.ts'
import { type Fault, FaultProxy } from '../../test/support/fault-proxy.ts'

export interface ProxyOptions {
  readonly storePort: number
}

/** What the sick tenants get from now on. */
export type ProxyCall = { readonly sick: Fault }

export interface ProxyState {
  readonly port: number
}

const proxy = await FaultProxy.start(childOptions<ProxyOptions>().storePort)
let sick: Fault = { kind: 'pass' }
proxy.decide = request => (request.header('x-scope-orgid')?.startsWith('sick-') ? sick : { kind: 'pass' })

answerCalls<ProxyCall, ProxyState>(call => {
  sick = call.sick
  return { port: proxy.port }
})
