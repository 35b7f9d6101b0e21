import { freshKernel } from '../../support/kernel.ts'
import { splitCases } from './split.cases.ts'

splitCases('the kernel, inline', freshKernel())
