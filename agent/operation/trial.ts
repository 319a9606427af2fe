import type { GenerationRef } from '../../shared/api/schemas.ts'
import type { Ports } from './ports.ts'
import type { OperationState } from './state.ts'

/** What a step gives when nothing is to be done before the next boot, or somebody's word. */
export const parked = 'parked'

/** Tells the journal once in each boot, then asks for the reboot; the boot goes on with the operation. */
export async function rebootInto(ports: Ports, to: string, reason: string): Promise<typeof parked> {
  const told = ports.journal.records.some(
    ({ event, bootId }) => event.type === 'reboot-started' && event.to === to && bootId === ports.bootId
  )
  if (!told) await ports.journal.append({ type: 'reboot-started', to, reason })
  await ports.reboot()
  return parked
}

/**
 * The way back from a trial boot: profile and boot default first, which hardly ever moved, then a reboot, for the kernel
 * of the candidate runs. A host that comes up with the candidate all the same is switched as it is. Gives `parked`
 * when it reboots.
 */
export async function leaveTrial(
  ports: Ports,
  state: OperationState,
  target: GenerationRef,
  profile: GenerationRef
): Promise<typeof parked | 'left'> {
  await ports.unstage()
  await ports.restore(target, profile, false)
  if ((await ports.runningPath()) === target.storePath) return 'left'
  const back = ports.journal.records.findLast(
    ({ event }) => event.type === 'reboot-started' && event.to === target.storePath
  )
  if (back === undefined || back.bootId === ports.bootId)
    return rebootInto(ports, target.storePath, state.reason ?? 'back to the baseline')
  await ports.restore(target, profile, true)
  return 'left'
}
