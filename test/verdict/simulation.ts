import { baselineCriterion, questionsOf } from '../../shared/verdict/criteria/baseline.ts'
import type { CheckEvidence } from '../../shared/verdict/evidence.ts'
import { defaultPolicy } from '../../shared/verdict/policy.ts'
import type { Outcome } from '../../shared/verdict/result.ts'
import type { Nature } from './history.ts'
import { checkWith, hoursOf } from './history.ts'
import { randomFrom } from './random.ts'

/** A kind of history: what its checks are like, and how many hours came before. */
export interface Kind {
  readonly title: string
  readonly nature: Nature
  readonly baselineHours: number
}

const START = Date.parse('2026-01-05T09:00:00Z')
const HOUR = 3_600_000
const CHECKS = 20

/** Checks of one host that all are of one kind; from hour `from` of the soak on they are `factor` times as much. */
function host(kind: Kind, seed: number, hours: number, factor = 1, from = 0): CheckEvidence[] {
  const random = randomFrom(seed)
  return Array.from({ length: CHECKS }, (_, index) => {
    const begin = START - kind.baselineHours * HOUR
    const change = (hour: number) => (hour >= kind.baselineHours + from && index === 0 ? factor : 1)
    const all = hoursOf(random, kind.nature, begin, kind.baselineHours + hours, change)
    return checkWith(`check-${index}`, {
      measures: kind.nature.measures,
      baseline: all.slice(0, kind.baselineHours),
      soak: all.slice(kind.baselineHours)
    })
  })
}

function outcomeAt(check: CheckEvidence, hours: number, questions: number): Outcome | undefined {
  const seen = { ...check, soak: check.soak.slice(0, hours) }
  return baselineCriterion(seen, defaultPolicy, questions)?.outcome
}

/** What became of quiet soaks, looked at every twelve hours for 14 days. */
export interface Quiet {
  /** Share of soaks with any failure at any look: a false NO-GO. */
  readonly everFailed: number
  /** Share of soaks that fail at the end. */
  readonly failedAtEnd: number
  /** Share of checks about which nothing can be said on day 7 and on day 14. */
  readonly openOnDay7: number
  readonly openOnDay14: number
}

/** 20 checks that stay as they were; the runs take their random numbers from seed `first` on. */
export function quietSoaks(kind: Kind, runs: number, first = 0): Quiet {
  const total = 14 * 24
  const sum = { ever: 0, end: 0, day7: 0, day14: 0 }
  for (let run = 0; run < runs; run++) {
    const checks = host(kind, first + run, total)
    const questions = questionsOf(checks, defaultPolicy)
    const fails = (hours: number) => checks.some((check) => outcomeAt(check, hours, questions) === 'fail')
    const open = (hours: number) =>
      checks.filter((check) => outcomeAt(check, hours, questions) === 'inconclusive').length / CHECKS
    const looks = Array.from({ length: total / 12 }, (_, i) => (i + 1) * 12)
    if (looks.some(fails)) sum.ever += 1
    if (fails(total)) sum.end += 1
    sum.day7 += open(total / 2)
    sum.day14 += open(total)
  }
  return {
    everFailed: sum.ever / runs,
    failedAtEnd: sum.end / runs,
    openOnDay7: sum.day7 / runs,
    openOnDay14: sum.day14 / runs
  }
}

/** Share of soaks in which a change of one of 20 checks is not seen so many hours after it. */
export function missed(
  kind: Kind,
  runs: number,
  change: { factor: number; from: number; after: number },
  first = 0
): number {
  let missed = 0
  for (let run = 0; run < runs; run++) {
    const hours = change.from + change.after
    const checks = host(kind, first + run, hours, change.factor, change.from)
    const [changed] = checks
    if (changed && outcomeAt(changed, hours, questionsOf(checks, defaultPolicy)) !== 'fail') missed += 1
  }
  return missed / runs
}
