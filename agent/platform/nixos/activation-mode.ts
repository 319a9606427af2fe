import type { RebootNeed } from '../../../shared/api/reboot.ts'
import type { ActivationMode } from '../../../shared/api/schemas.ts'
import { BelayError } from '../../../shared/errors.ts'
import { assertTrialUnit } from './candidate.ts'

/** Whether the candidate is switched to or booted. Refuses what a switch would not bring, and a trial that nobody guards. */
export async function chooseMode(
  asked: ActivationMode,
  reboot: RebootNeed,
  storePath: string
): Promise<'switch' | 'boot'> {
  const mode = asked === 'auto' ? (reboot.recommended ? 'boot' : 'switch') : asked
  if (mode === 'boot') await assertTrialUnit(storePath)
  else if (reboot.required) {
    const causes = reboot.causes.map(({ what, from, to }) => `${what}: ${from ?? 'none'} -> ${to ?? 'none'}`)
    const text = `only a reboot brings this generation: ${causes.join('; ')}`
    throw new BelayError('reboot-required', text, { found: reboot.causes, wanted: 'mode boot', at: 'mode' })
  }
  return mode
}
