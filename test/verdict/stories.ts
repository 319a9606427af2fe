import type { Evidence, HourOfCheck } from '../../shared/verdict/evidence.ts'
import { checkWith, hoursOf } from './history.ts'
import { randomFrom } from './random.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const WEEK_HOURS = 7 * 24
/** When every story begins. */
export const START = Date.parse('2026-03-02T09:00:00Z')

/** What a story changes in a soak in which nothing happens. */
interface Change {
  readonly host?: string
  /** Days on the clock. */
  readonly days: number
  /** How many times as many errors from which hour on. */
  readonly errors?: { readonly times: number; readonly fromHour: number }
  /** A benchmark so many times as slow from the start. */
  readonly slower?: number
  readonly evidence?: Partial<Evidence>
  /** Hours of the calendar in which the host is on; all of them when not given. */
  readonly on?: (hour: number) => boolean
}

/** A soak of 14 days with five checks, and what the story changes. */
export function story(change: Change): Evidence {
  const random = randomFrom(7)
  const isOn = change.on ?? (() => true)
  const hours: number[] = []
  for (let hour = 0; hours.length < change.days * 24; hour++) if (isOn(hour)) hours.push(hour)
  const length = (hours.at(-1) ?? 0) + 1
  const asOf = START + length * HOUR
  const kept = (all: HourOfCheck[]) => all.filter((_, hour) => isOn(hour))
  const measured = (measures: 'duration' | 'rate', level: number, factor: (hour: number) => number) => {
    const nature = { measures, level, noise: 0.15, hourly: 0.04, rhythm: 0.3 }
    const before = START - WEEK_HOURS * HOUR
    const all = hoursOf(random, nature, before, WEEK_HOURS + length, (h) => factor(h - WEEK_HOURS))
    return { measures, baseline: all.slice(0, WEEK_HOURS), soak: kept(all.slice(WEEK_HOURS)) }
  }
  const plain = () => ({ ...measured('duration', 0.1, () => 1), measures: null })
  const { errors, slower = 1 } = change
  const samples = change.days * 24 * 12 * 5
  return {
    host: change.host ?? 'galena',
    profile: 'system',
    storePath: '/nix/store/0c7r1vkmbk5wgr1zpq5w1vsy7i9f1l2m-nixos-system-galena-26.05',
    generation: 42,
    baselinePath: '/nix/store/9b2x4j8mq7s3ndzlv1kyrg60pcwhf5ai-nixos-system-galena-25.11',
    startedAt: new Date(START).toISOString(),
    endedAt: null,
    asOf: new Date(asOf).toISOString(),
    onSeconds: change.days * 86_400,
    availableSeconds: change.days * 86_400 - 600,
    expectedSamples: samples,
    receivedSamples: samples - 20,
    gaps: gapsOf(hours),
    reboots: [],
    agentRestarts: 1,
    rollbacks: 0,
    manualSwitches: 0,
    incidents: [],
    checks: [
      checkWith('failed-units', { severity: 'critical', ...plain() }),
      checkWith('nginx', { severity: 'critical', ...plain() }),
      checkWith('disk-store', { ...plain() }),
      checkWith('log-errors', {
        unit: 'errors/h',
        ...measured('rate', 6, (h) => (errors && h >= errors.fromHour ? errors.times : 1))
      }),
      checkWith('shell-start', { unit: 's', ...measured('duration', 0.32, (h) => (h >= 0 ? slower : 1)) })
    ],
    ...change.evidence
  }
}

/** Hours without the host, as one gap for each night. */
function gapsOf(hours: readonly number[]): Evidence['gaps'] {
  return hours.flatMap((hour, index) => {
    const next = hours[index + 1] ?? hour + 1
    const at = (h: number) => new Date(START + h * HOUR).toISOString()
    return next === hour + 1 ? [] : [{ from: at(hour + 1), to: at(next), cause: 'asleep' as const }]
  })
}

/** Asleep for the last three of every seven days. */
const asleepThreeOfSeven = (hour: number) => Math.floor(hour / 24) % 7 < 4

/** The stories that a verdict must tell apart. */
export const stories = {
  passes: story({ days: 14 }),
  errorsOnDayThree: story({ days: 3.5, errors: { times: 2.5, fromHour: 54 } }),
  unexpectedReboot: story({
    days: 9,
    evidence: {
      reboots: [
        {
          at: new Date(START + 2 * DAY).toISOString(),
          bootId: 'b2',
          expected: true,
          cause: 'asked for by operate'
        },
        { at: new Date(START + 6 * DAY).toISOString(), bootId: 'b3', expected: false, cause: 'unknown' }
      ]
    }
  }),
  asleepAfterAWeek: story({ host: 'stibnite', days: 4, on: asleepThreeOfSeven }),
  asleepLater: story({ host: 'stibnite', days: 7, on: asleepThreeOfSeven }),
  tooFewSamples: story({ days: 8, evidence: { receivedSamples: Math.round(8 * 24 * 60 * 0.8) } }),
  failedBefore: withFailure(story({ days: 14 }), true),
  failsNewly: withFailure(story({ days: 14 }), false),
  slower: story({ days: 10, slower: 1.3 })
} as const

function withFailure(evidence: Evidence, failedInBaseline: boolean): Evidence {
  const failing = (hours: HourOfCheck[]) => hours.map((hour) => ({ ...hour, pass: 0, fail: 12 }))
  const checks = evidence.checks.map((check) =>
    check.name !== 'disk-store'
      ? check
      : {
          ...check,
          failedInBaseline,
          baseline: failedInBaseline ? failing(check.baseline) : check.baseline,
          soak: failing(check.soak),
          failingSince: evidence.startedAt
        }
  )
  return { ...evidence, checks }
}
