import { createHash } from 'node:crypto'
import type { Approvable } from '../../shared/plan-difference.ts'
import type { Preview } from './approvals.ts'

/** A plan that says no more than which system goes and which comes. */
export function twoSystems(running: () => Promise<string | null>): Preview {
  return async (storePath): Promise<Approvable> => {
    const plan = { from: await running(), to: storePath }
    const hash = createHash('sha256').update(JSON.stringify(plan)).digest('hex')
    return { ...plan, hash, reboot: { required: false, recommended: false }, notCovered: [] } as Approvable
  }
}
