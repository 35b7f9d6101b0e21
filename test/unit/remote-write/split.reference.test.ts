import { splitByReference } from '../../../src/remote-write/reference/engine.ts'
import { splitCases } from './split.cases.ts'

splitCases('the reference engine', splitByReference)
