import { splitByReference } from '../../src/split/reference/engine.ts'
import { convertProperties } from './convert.properties.ts'

convertProperties('the reference engine', splitByReference)
