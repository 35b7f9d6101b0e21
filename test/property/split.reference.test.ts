import { splitByReference } from '../../src/split/reference/engine.ts'
import { splitProperties } from './split.properties.ts'

splitProperties('the reference engine', splitByReference)
