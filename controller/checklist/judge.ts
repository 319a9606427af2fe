import type { Approval } from '../../shared/api/approval.ts'
import type { ChecklistPoint } from '../../shared/api/checklist.ts'
import type { CheckState } from '../../shared/api/checks.ts'
import type { Preflight } from '../../shared/api/preflight.ts'
import type { Generation, Operation } from '../../shared/api/schemas.ts'
import type { CacheEvidence } from '../cache/evidence.ts'

/** What was seen of a host, for one generation. */
export interface Seen {
  readonly storePath: string
  readonly preflight: Preflight
  readonly operations: readonly Operation[]
  readonly checks: readonly CheckState[]
  readonly generations: readonly Generation[]
  readonly approvals: readonly Pick<Approval, 'storePath' | 'state'>[]
  readonly caches: readonly CacheEvidence[]
  /** Milliseconds since the epoch. */
  readonly nowMs: number
  readonly drillDays: number
}

/** One line of the list. `unknown` is no evidence: the list is not complete with it. */
export interface Item {
  readonly point: ChecklistPoint
  readonly name: string
  readonly result: 'pass' | 'fail' | 'unknown'
  readonly evidence: string
}

const DAY_MS = 86_400_000

/** The production checklist, each line from what was seen. */
export function judge(seen: Seen): readonly Item[] {
  const fromPreflight = (point: ChecklistPoint, name: string, ...checks: readonly string[]): Item => {
    const found = seen.preflight.checks.filter((check) => checks.includes(check.name))
    const bad =
      found.find(({ result }) => result === 'fail') ?? found.find(({ result }) => result === 'unknown')
    if (found.length < checks.length)
      return { point, name, result: 'unknown', evidence: 'the agent has no such check' }
    const evidence = (bad === undefined ? found : [bad])
      .map((check) => `${check.name}: ${check.evidence}`)
      .join('; ')
    const result = bad === undefined ? 'pass' : bad.result === 'fail' ? 'fail' : 'unknown'
    return { point, name, result, evidence }
  }
  return [
    cached(seen),
    reviewed(seen),
    fromPreflight(
      'baseline-verified',
      'baseline verified',
      'baseline',
      'baseline-boot-entry',
      'baseline-secrets'
    ),
    drilled(seen),
    kept(seen),
    monitored(seen),
    fromPreflight('second-way', 'second way in', 'second-way'),
    fromPreflight('window', 'window', 'window', 'hold')
  ]
}

function cached({ caches }: Seen): Item {
  const is = { point: 'ci', name: 'in a cache' } as const
  const whole = caches.filter(({ complete }) => complete === true).map(({ cache }) => cache)
  if (whole.length > 0) return { ...is, result: 'pass', evidence: `all of it is in ${whole.join(', ')}` }
  const evidence = caches.map(({ cache, message }) => `${cache}: ${message}`).join('; ')
  if (caches.some(({ complete }) => complete === false)) return { ...is, result: 'fail', evidence }
  return { ...is, result: 'unknown', evidence: evidence || 'the fleet file names no caches' }
}

function reviewed({ approvals, storePath }: Seen): Item {
  // One that was taken back, or has expired unused, is none.
  const counts = (state: string) => state === 'waiting' || state === 'used'
  const found = approvals.filter((each) => each.storePath === storePath && counts(each.state)).length
  const evidence = found > 0 ? `${found} approvals of this path` : 'nobody has approved this path'
  return { point: 'plan-reviewed', name: 'plan reviewed', result: found > 0 ? 'pass' : 'fail', evidence }
}

/** A drill activates what runs: candidate and baseline are one. */
function drilled({ operations, nowMs, drillDays }: Seen): Item {
  const is = { point: 'drill', name: 'rollback drill' } as const
  const drills = operations.filter(
    ({ kind, phase, candidate, baseline }) =>
      kind === 'activate' && phase === 'committed' && candidate !== null && candidate === baseline?.storePath
  )
  const last = Math.max(...drills.map(({ updatedAt }) => Date.parse(updatedAt)))
  if (drills.length === 0) return { ...is, result: 'fail', evidence: 'none is known: belay-agent drill' }
  const days = Math.floor((nowMs - last) / DAY_MS)
  const evidence = `the last passed ${days} days ago, wanted within ${drillDays}`
  return { ...is, result: nowMs - last <= drillDays * DAY_MS ? 'pass' : 'fail', evidence }
}

function kept({ generations }: Seen): Item {
  const is = { point: 'stable-kept', name: 'stable generation kept' } as const
  const others = generations
    .filter(({ knownGood, running }) => knownGood && !running)
    .map(({ number }) => number)
  if (others.length > 0)
    return { ...is, result: 'pass', evidence: `known good: generation ${others.join(', ')}` }
  return { ...is, result: 'fail', evidence: 'none but the running one is known to be good' }
}

function monitored({ checks }: Seen): Item {
  const is = { point: 'monitoring', name: 'monitoring' } as const
  const failing = checks.filter((check) => check.failing).map((check) => check.name)
  if (checks.length === 0) return { ...is, result: 'fail', evidence: 'the host has no checks' }
  if (failing.length > 0)
    return { ...is, result: 'fail', evidence: `failing: ${failing.slice(0, 5).join(', ')}` }
  return { ...is, result: 'pass', evidence: `${checks.length} checks, none failing` }
}
