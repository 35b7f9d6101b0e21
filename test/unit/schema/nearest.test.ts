import { describe, expect, test } from 'vitest'
import { nearestKey } from '../../../src/schema/nearest.ts'

const KEYS = [
  'listen',
  'log_level',
  'log_response_errors',
  'limits.max_body',
  'tenant.label',
  'tenant.label_list',
]

describe('the nearest key', () => {
  test.each([
    ['lisen', 'listen'],
    ['Listen', 'listen'],
    ['log-level', 'log_level'],
    ['loglevel', 'log_level'],
    ['tenant.lable', 'tenant.label'],
    ['tenant.labels_list', 'tenant.label_list'],
    ['max_body', 'limits.max_body'],
    ['egress.max_body', 'limits.max_body'],
    ['colour', undefined],
    ['', undefined],
    ['x'.repeat(10_000), undefined],
  ])('to %.20s is %s', (name, key) => {
    expect(nearestKey(name, KEYS)).toBe(key)
  })
})
