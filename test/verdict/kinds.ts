import type { Kind } from './simulation.ts'

const week = 7 * 24

/** Durations: quiet, with a rhythm, with bursts, with heavy tails, with good and bad days, with few hours before. */
export const durations: readonly Kind[] = [
  {
    title: 'steady',
    nature: { measures: 'duration', level: 0.3, noise: 0.1, hourly: 0.03 },
    baselineHours: week
  },
  {
    title: 'daily rhythm ±40 %',
    nature: { measures: 'duration', level: 0.3, noise: 0.15, hourly: 0.05, memory: 0.5, rhythm: 0.35 },
    baselineHours: week
  },
  {
    title: 'bursts: 1 hour in 20 ten times as slow',
    nature: {
      measures: 'duration',
      level: 0.3,
      noise: 0.15,
      hourly: 0.05,
      burst: { chance: 0.05, times: 10 }
    },
    baselineHours: week
  },
  {
    title: 'heavy tail: 1 sample in 10 without a mean',
    nature: { measures: 'duration', level: 0.3, noise: 0.2, hourly: 0.05, tail: 0.1 },
    baselineHours: week
  },
  {
    title: 'good and bad days ±8 %',
    nature: { measures: 'duration', level: 0.3, noise: 0.15, hourly: 0.05, daily: 0.08, memory: 0.5 },
    baselineHours: week
  },
  {
    title: 'rhythm, one day before',
    nature: { measures: 'duration', level: 0.3, noise: 0.15, hourly: 0.05, rhythm: 0.35 },
    baselineHours: 24
  },
  {
    title: 'rhythm, one night before (12 h)',
    nature: { measures: 'duration', level: 0.3, noise: 0.15, hourly: 0.05, rhythm: 0.35 },
    baselineHours: 12
  }
]

/** Errors an hour: few, some, many, with bursts, over-dispersed, with a rhythm. */
export const rates: readonly Kind[] = [
  { title: '0.2 errors/h', nature: { measures: 'rate', level: 0.2, noise: 0 }, baselineHours: week },
  { title: '2 errors/h', nature: { measures: 'rate', level: 2, noise: 0 }, baselineHours: week },
  { title: '5 errors/h', nature: { measures: 'rate', level: 5, noise: 0 }, baselineHours: week },
  { title: '50 errors/h', nature: { measures: 'rate', level: 50, noise: 0 }, baselineHours: week },
  {
    title: '5 errors/h, 1 hour in 20 fifty times as many',
    nature: { measures: 'rate', level: 5, noise: 0, burst: { chance: 0.05, times: 50 } },
    baselineHours: week
  },
  {
    title: '10 errors/h, over-dispersed and alike for hours',
    nature: { measures: 'rate', level: 10, noise: 0, hourly: 0.5, memory: 0.6 },
    baselineHours: week
  },
  {
    title: '5 errors/h, daily rhythm',
    nature: { measures: 'rate', level: 5, noise: 0, rhythm: 0.5 },
    baselineHours: week
  },
  { title: '5 errors/h, one day before', nature: { measures: 'rate', level: 5, noise: 0 }, baselineHours: 24 }
]
