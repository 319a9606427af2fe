import type { Registry } from 'prom-client'
import { Gauge } from 'prom-client'
import type { ProfileName } from '../../shared/api/profile.ts'
import type { PassedRevision } from '../security/revision.ts'

/** What was last used of approvals, by profile. */
export interface ApprovedSource {
  readonly profiles: readonly ProfileName[]
  readonly read: (profile: ProfileName) => Promise<PassedRevision | null>
}

/** How old what people signed has grown: a host that is kept from newer intents shows here. */
export function approvedGauges(registry: Registry, { profiles, read }: ApprovedSource): void {
  const gauge = (name: string, help: string, of: (passed: PassedRevision) => number) =>
    new Gauge({
      name: `belay_agent_approved_${name}`,
      help,
      labelNames: ['profile'],
      registers: [registry],
      async collect() {
        this.reset()
        for (const profile of profiles) {
          const passed = await read(profile).catch(() => null)
          this.set({ profile }, passed === null ? 0 : of(passed))
        }
      }
    })
  gauge('revision', 'Highest revision that approvals were used for; 0: none', ({ revision }) => revision)
  gauge(
    'timestamp_seconds',
    'When an approval with a newer revision was last used; 0: never',
    ({ at }) => Date.parse(at) / 1000
  )
}
