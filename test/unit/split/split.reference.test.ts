import { splitByReference } from '../../../src/split/reference/engine.ts'
import { splitCases } from './split.cases.ts'

splitCases('the reference engine', splitByReference)
