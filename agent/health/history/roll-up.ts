import type { CheckResult } from '../../../shared/verdict/evidence.ts'
import { checkResults } from '../../../shared/verdict/evidence.ts'

export const HOUR_MS = 3_600_000

/** A sample as far as a roll-up needs it. */
export interface Measured {
  readonly result: CheckResult
  readonly value: number | null
}

/** What is kept of the samples of one check in one hour. */
export interface RollUp extends Record<CheckResult, number> {
  readonly mean: number | null
  readonly median: number | null
  readonly p95: number | null
  readonly max: number | null
}

/** Counts each result, and sums up the values that there are; those of `unknown` say nothing. */
export function rollUp(samples: readonly Measured[]): RollUp {
  const counts = { pass: 0, warn: 0, fail: 0, unknown: 0 }
  const values: number[] = []
  for (const { result, value } of samples) {
    counts[result] += 1
    if (value !== null && result !== 'unknown') values.push(value)
  }
  values.sort((a, b) => a - b)
  return {
    ...counts,
    mean: values.length === 0 ? null : mean(values),
    median: quantile(values, 0.5),
    p95: quantile(values, 0.95),
    max: values.at(-1) ?? null
  }
}

/** Running, since a sum of great values could leave the range of numbers. */
const mean = (values: readonly number[]) =>
  values.reduce((so, value, i) => so + value / (i + 1) - so / (i + 1), 0)

/** Between the two nearest values, as most tools have it; null for no values. */
export function quantile(sorted: readonly number[], q: number): number | null {
  const place = (sorted.length - 1) * q
  const low = sorted[Math.floor(place)]
  const high = sorted[Math.ceil(place)]
  if (low === undefined || high === undefined) return null
  const part = place - Math.floor(place)
  return low * (1 - part) + high * part
}

/** Results as they are stored. */
export const resultCode = (result: CheckResult): number => checkResults.indexOf(result)

/** A stored result; `unknown` for what cannot be one. */
export const resultOf = (code: unknown): CheckResult => checkResults[Number(code)] ?? 'unknown'
