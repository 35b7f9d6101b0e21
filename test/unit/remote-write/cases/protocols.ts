import type { Protocol } from '../../../../src/remote-write/split.ts'

export const PROTOCOLS: readonly Protocol[] = ['1.0', '2.0']
