import { RolloutPlan } from '../../shared/api/rollout.ts'
import { BelayError } from '../../shared/errors.ts'
import { checked } from '../inventory/checked.ts'
import { identityOf, samePlan } from '../plan/planner.ts'
import type { Author, Store } from '../store/store.ts'

/** A plan that comes from outside. Its identity says whether it was changed since it was made. */
export function checkPlan(value: unknown, where: string): RolloutPlan {
  const plan = checked(RolloutPlan, value, where)
  const { id, ...rest } = plan
  if (identityOf(rest) === id) return plan
  throw new BelayError(
    'invalid-rollout',
    `${where} was changed after it was made: its identity does not match`,
    {
      found: id,
      wanted: identityOf(rest),
      at: where
    }
  )
}

/** The rollout to drive: a new one, or the one under way when it is the same. */
export function admit(plan: RolloutPlan, author: Author, supersede: boolean, store: Store): string {
  const active = store.active()
  if (active !== null && samePlan(store.plan(active), plan)) return active
  if (store.rollouts().some(({ id }) => id === plan.id)) {
    throw new BelayError('rollout-ended', `rollout ${plan.id} has ended; make a new plan`, { found: plan.id })
  }
  const newest = store.rollouts()[0]?.revision ?? 0
  if (plan.revision <= newest) {
    const text = `its revision ${plan.revision} is not newer than ${newest}, which was started since; make a new plan`
    throw new BelayError('invalid-rollout', text, { found: plan.revision, wanted: newest + 1 })
  }
  store.create(plan, author, supersede)
  return plan.id
}
