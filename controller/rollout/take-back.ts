import type { RolloutPlan } from '../../shared/api/rollout.ts'
import { BelayError } from '../../shared/errors.ts'
import { planRollback } from '../plan/rollback.ts'
import type { RolloutSummary } from '../store/store.ts'
import type { RolloutRecord } from './records.ts'
import type { HostState } from './state.ts'
import { foldRecords, freshHost } from './state.ts'

/** What has been, newest first. */
export interface Past {
  readonly rollouts: readonly RolloutSummary[]
  report(id: string): Promise<{ readonly plan: RolloutPlan; readonly records: readonly RolloutRecord[] }>
}

/** What a person wants taken back. */
export interface TakeBack {
  readonly rollout: string | undefined
  /** Only these; also what an earlier controller has moved. */
  readonly hosts: readonly string[] | undefined
  readonly reason: string
  readonly revision: number
  readonly now: number
}

/** The plan back of the newest rollout, or the identity of the way back that is under way already. */
export async function takeBack(past: Past, wanted: TakeBack): Promise<RolloutPlan | string> {
  const backs: {
    readonly summary: RolloutSummary
    readonly of: string
    readonly records: readonly RolloutRecord[]
  }[] = []
  for (const summary of past.rollouts) {
    const { plan, records } = await past.report(summary.id)
    if (plan.rollbackOf !== undefined) {
      backs.push({ summary, of: plan.rollbackOf, records })
      continue
    }
    assertNewest(plan, wanted.rollout, past)
    const own = backs.filter(({ of }) => of === plan.id)
    const open = own.find((back) => !back.summary.ended)
    if (open !== undefined) return open.summary.id
    const over = own.find((back) => foldRecords(back.records).end?.kind === 'finished')
    if (over !== undefined) throw takenBack(plan.id, over.summary.id)
    return planBack(plan, records, wanted)
  }
  throw new BelayError('rollout-unknown', 'there has been no rollout yet', {})
}

/** Only the newest that brought something can be taken back: hosts run what it brought. */
function assertNewest({ id }: RolloutPlan, wanted: string | undefined, { rollouts }: Past): void {
  if (wanted === undefined || wanted === id) return
  const known = rollouts.map((each) => each.id)
  if (!known.includes(wanted))
    throw new BelayError('rollout-unknown', `no rollout ${JSON.stringify(wanted)} to take back`, {
      found: wanted,
      wanted: known
    })
  const text = `rollout ${id} came after ${wanted}: hosts run what that one brought`
  throw new BelayError('rollout-ended', text, { found: wanted, wanted: id })
}

function takenBack(id: string, by: string): BelayError {
  return new BelayError('rollout-ended', `rollout ${by} has taken ${id} back already`, {
    found: by,
    wanted: 'a rollout that was not taken back'
  })
}

function planBack(
  plan: RolloutPlan,
  records: readonly RolloutRecord[],
  { hosts: named, reason, revision, now }: TakeBack
): RolloutPlan {
  assertNamed(plan, named ?? [])
  const { hosts, end } = foldRecords(records)
  const targets = new Map<string, string>()
  for (const { name, storePath } of plan.hosts) {
    if (named !== undefined && !named.includes(name)) continue
    const state = hosts.get(name) ?? freshHost
    assertStill(name, state, end !== null)
    const { baseline } = state
    const moved = state.doneSince !== null && (state.started !== null || named !== undefined)
    if (moved && baseline !== null && baseline !== storePath) targets.set(name, baseline)
  }
  const homes = new Map([...hosts].map(([name, state]) => [name, state.homes]))
  return planRollback({ of: plan, targets, homes, revision, now, reason })
}

/** What is under way ends first: only then it is known what the host has. */
function assertStill(name: string, { started, doneSince, failed, skipped }: HostState, over: boolean): void {
  if (started === null || doneSince !== null || failed !== null || skipped !== null) return
  const text = over
    ? `${name} was under way when the rollout ended, and nobody has seen what became of it; name the others with --host`
    : `${name} is under way; belay rollout pause, let it end, then again`
  throw new BelayError('rollout-active', text, { found: name, wanted: 'no host under way' })
}

function assertNamed(plan: RolloutPlan, names: readonly string[]): void {
  const unknown = names.find((name) => !plan.hosts.some((host) => host.name === name))
  if (unknown === undefined) return
  throw new BelayError('invalid-request', `rollout ${plan.id} has no host ${JSON.stringify(unknown)}`, {
    found: unknown,
    wanted: plan.hosts.map(({ name }) => name)
  })
}
