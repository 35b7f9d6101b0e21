import type { Protocol } from '../../../../src/split/split.ts'

export const PROTOCOLS: readonly Protocol[] = ['1.0', '2.0']
