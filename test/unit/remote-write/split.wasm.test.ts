import { freshKernel } from '../../support/kernel.ts'
import { foldTableCases } from './cases/fold.ts'
import { kernelCases } from './kernel.cases.ts'
import { kernelConvertCases } from './kernel-convert.cases.ts'
import { splitCases } from './split.cases.ts'

splitCases('the kernel, inline', freshKernel())
kernelCases('the kernel alone', freshKernel)
kernelConvertCases('the kernel, converting', freshKernel)
foldTableCases('the kernel', freshKernel)
