import { BelayError } from '../../shared/errors.ts'
import type { Accepted } from '../operation/events.ts'
import type { Preview } from './approvals.ts'

/** Throws `plan-changed` where an activation would change something else than what its caller has read. */
export async function assertPlan(
  { target, planHash }: Pick<Accepted, 'target' | 'planHash'>,
  preview: Preview
): Promise<void> {
  if (planHash === undefined) return
  const { hash } = await preview(target.storePath)
  if (hash === planHash) return
  const text = `the plan of ${target.storePath} is ${hash} now, not ${planHash}; look at it again`
  throw new BelayError('plan-changed', text, { found: hash, wanted: planHash, at: 'planHash' })
}
