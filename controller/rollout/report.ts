import type { RolloutPlan } from '../../shared/api/rollout.ts'
import { BelayError } from '../../shared/errors.ts'
import type { Store } from '../store/store.ts'
import type { RolloutRecord } from './records.ts'
import { foldRecords } from './state.ts'
import type { HostView, RolloutStatus, StageView } from './views.ts'

/** A rollout as it was left by the last round. */
export interface RolloutReport {
  readonly plan: RolloutPlan
  readonly status: RolloutStatus
  readonly stages: readonly StageView[]
  readonly hosts: readonly HostView[]
  readonly records: readonly RolloutRecord[]
}

/** The rollout asked for, else the one under way, else the newest. Throws `rollout-unknown`. */
export function chooseRollout(store: Store, id: string | undefined): string {
  const known = store.rollouts().map((each) => each.id)
  const chosen = id ?? store.active() ?? known[0]
  if (chosen !== undefined && known.includes(chosen)) return chosen
  const text = chosen === undefined ? 'there has been no rollout yet' : `no rollout ${JSON.stringify(chosen)}`
  throw new BelayError('rollout-unknown', text, { found: id, wanted: known })
}

/** Reads how a rollout stands. */
export function reportOf(store: Store, id: string): RolloutReport {
  const views = store.views(id)
  const plan = store.plan(id)
  const records = store.records(id)
  const { end } = foldRecords(records)
  const last = (views.get('status') ?? { is: 'waiting', needs: null }) as RolloutStatus
  // A person may have ended it after the last round.
  const status: RolloutStatus =
    end === null ? last : { is: end.kind === 'finished' ? 'done' : end.kind, needs: null }
  const hosts = plan.hosts.map(
    (host) => (views.get(`host ${host.name}`) ?? unseen(host.name, host.stage)) as HostView
  )
  return { plan, status, stages: (views.get('stages') ?? []) as StageView[], hosts, records }
}

function unseen(host: string, stage: string): HostView {
  return { host, stage, is: 'waiting', attempt: 1, reason: null, soakUntil: null }
}
