import { describe, it } from 'vitest'
import { splitByReference } from '../../../src/split/reference/engine.ts'
import { convertCases } from './cases/convert.ts'

describe('the reference engine', () => convertCases(it, splitByReference))
