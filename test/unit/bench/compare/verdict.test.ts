import { expect, test } from 'vitest'
import { judge } from '../../../../bench/compare/verdict.ts'

test.each([
  ['passes', 'its upper end is within the bound', 0.95, 1.02],
  ['passes', 'its upper end is the bound', 0.95, 1.03],
  ['undecided', 'it holds the bound', 1.01, 1.05],
  ['undecided', 'its lower end is the bound', 1.03, 1.05],
  ['fails', 'all of it is above the bound', 1.031, 1.05],
  ['undecided', 'nothing was measured', Number.NaN, Number.NaN],
])('an interval %s where %s', (verdict, _, low, high) => {
  expect(judge({ median: (low + high) / 2, low, high }, 1.03)).toBe(verdict)
})
