import { freshKernel } from '../../support/kernel.ts'
import { kernelCases } from './kernel.cases.ts'
import { splitCases } from './split.cases.ts'

splitCases('the kernel, inline', freshKernel())
kernelCases('the kernel alone', freshKernel)
