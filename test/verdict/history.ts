import type { CheckEvidence, HourOfCheck } from '../../shared/verdict/evidence.ts'
import type { Random } from './random.ts'

/** How one measured check behaves while nothing is wrong. */
export interface Nature {
  readonly measures: 'duration' | 'rate'
  /** Seconds, or events an hour. */
  readonly level: number
  /** Standard deviation of the logarithm, for each sample, hour and day. */
  readonly noise: number
  readonly hourly?: number
  readonly daily?: number
  /** Resemblance of neighbouring hours, 0 to 1. */
  readonly memory?: number
  /** Amplitude of the daily rhythm, of the logarithm. */
  readonly rhythm?: number
  /** Chance of an hour with a burst, and how many times as much it is. */
  readonly burst?: { readonly chance: number; readonly times: number }
  /** Chance that a sample is many times as slow (Pareto, without a mean). */
  readonly tail?: number
}

const HOUR = 3_600_000
/** Samples in an hour: one in five minutes. */
const SAMPLES = 12

/** Hours of one check from `start`; `factor` is how many times as much it is in that hour. */
export function hoursOf(
  random: Random,
  nature: Nature,
  start: number,
  count: number,
  factor: (hour: number) => number = () => 1
): HourOfCheck[] {
  const { noise, hourly = 0, daily = 0, memory = 0, rhythm = 0, burst, tail = 0 } = nature
  let slow = random.normal()
  let day = random.normal()
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * HOUR
    const hour = Math.floor(at / HOUR) % 24
    if (hour === 0) day = random.normal()
    slow = memory * slow + Math.sqrt(1 - memory * memory) * random.normal()
    const season = rhythm * Math.sin((2 * Math.PI * hour) / 24)
    const bursts = burst && random.uniform() < burst.chance ? burst.times : 1
    const level = nature.level * factor(index) * bursts * Math.exp(season + hourly * slow + daily * day)
    const sample = () => {
      const value = level * Math.exp(noise * random.normal())
      return random.uniform() < tail ? value / random.uniform() : value
    }
    const values =
      nature.measures === 'rate' ? [random.poisson(level)] : Array.from({ length: SAMPLES }, sample)
    return hourOf(at, values)
  })
}

function hourOf(at: number, values: number[]): HourOfCheck {
  const sorted = values.toSorted((a, b) => a - b)
  const quantile = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return {
    hour: new Date(at).toISOString(),
    pass: SAMPLES,
    warn: 0,
    fail: 0,
    unknown: 0,
    mean,
    median: quantile(0.5),
    p95: quantile(0.95),
    max: sorted.at(-1) ?? 0
  }
}

/** A check with both halves of its history. */
export function checkWith(name: string, change: Partial<CheckEvidence>): CheckEvidence {
  return {
    name,
    severity: 'major',
    measures: null,
    unit: null,
    failedInBaseline: false,
    baseline: [],
    soak: [],
    failingSince: null,
    ...change
  }
}
