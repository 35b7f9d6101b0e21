import { freshKernel } from '../support/kernel.ts'
import { convertProperties } from './convert.properties.ts'

convertProperties('the kernel', freshKernel())
