import type { NotCovered, Plan } from '../../shared/api/plan.ts'

/** What a rollback of this plan would not bring back. */
export function notCovered(plan: Pick<Plan, 'packages' | 'services' | 'reboot' | 'secrets'>): NotCovered[] {
  const found: NotCovered[] = []
  // By what the definitions say: which units run at this moment is not part of the plan's hash.
  const restarts = plan.services.some(
    ({ change, whenRunning }) => change !== 'unchanged' && ['restart', 'start'].includes(whenRunning)
  )
  const versions = plan.packages.some(({ change }) => change !== 'rebuilt')
  if (restarts && versions) {
    const text =
      'Data: what a service of a new version has written or converted stays as it is; the old version may not read it.'
    found.push({ code: 'data', text })
  }
  if (plan.reboot.causes.length > 0) {
    const causes = plan.reboot.causes.map(({ what }) => what).join(', ')
    const text = `What only a reboot brings (${causes}): neither the activation nor its rollback changes it while the host runs.`
    found.push({ code: 'kernel', text })
  }
  if (plan.secrets.length > 0) {
    const text =
      "Secrets: the old generation decrypts its own files again, which works only while the host's key is the same; what was rotated elsewhere stays rotated."
    found.push({ code: 'secrets', text })
  }
  return found
}
