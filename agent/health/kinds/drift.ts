import type { Observed } from '../../operation/drift.ts'
import type { Finding } from './kind.ts'
import { defineKind, fail, pass, unknown, yesOrNo } from './kind.ts'

/** Whether profile, running system and boot default are the same generation. */
export const driftKind = defineKind({
  options: {},
  gives: yesOrNo,
  // While an activation is proven the running system is ahead of the profile: that is how it works.
  mayVote: false,
  begin: () => async (world) => judgeDrift(await world.observe())
})

/** Says which differ. */
export function judgeDrift({ drift, storePath, running, bootDefault }: Observed): Finding {
  if (running === null || storePath === null) return unknown('profile or running system cannot be read')
  if (!drift) return pass('profile, running system and next boot are the same')
  const apart = [
    ...(running === storePath ? [] : ['the running system is not what the profile says']),
    ...(bootDefault === null || bootDefault === storePath ? [] : ['another system boots next'])
  ]
  return fail(apart.join('; ') || 'profile, running system and next boot are not the same')
}
