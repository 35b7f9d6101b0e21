import { splitByReference } from '../../src/remote-write/reference/engine.ts'
import { splitProperties } from './split.properties.ts'

splitProperties('the reference engine', splitByReference)
