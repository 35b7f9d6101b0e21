import { splitByReference } from '../../src/remote-write/reference/engine.ts'
import { convertProperties } from './convert.properties.ts'

convertProperties('the reference engine', splitByReference)
