import { afterAll } from 'vitest'
import { threadSplit } from '../../support/thread-split.ts'
import { splitCases } from './split.cases.ts'

const thread = threadSplit()
afterAll(() => thread.close())

splitCases('the kernel, on a thread', thread.split)
