import type { Static } from 'typebox'
import { Type } from 'typebox'

/** Ways in which a host can be apart from itself, or from what Belay left. Closed. */
export const driftKinds = [
  'profile-not-running',
  'boot-not-profile',
  'switched-by-hand',
  'profile-moved'
] as const
export type DriftKind = (typeof driftKinds)[number]

/** What each kind says to a person. */
export const driftTexts: Record<DriftKind, string> = {
  'profile-not-running': 'the running system is not what the profile names',
  'boot-not-profile': 'the next boot is not what the profile names',
  'switched-by-hand': 'the running system is not what the last operation left',
  'profile-moved': 'the profile is not what the last operation left'
}

/** Kinds that somebody else has brought about: nothing of Belay goes over them unasked. */
export const foreignDrifts: readonly DriftKind[] = ['switched-by-hand', 'profile-moved']

export const Drift = Type.Object(
  {
    kind: Type.Enum(driftKinds, { description: 'Closed; branch on this' }),
    found: Type.Union([Type.String(), Type.Null()], { description: 'Store path that is there' }),
    wanted: Type.Union([Type.String(), Type.Null()], {
      description: 'Store path that would be there without drift'
    })
  },
  { additionalProperties: false, description: 'One way in which this host has drifted' }
)
export type Drift = Static<typeof Drift>
