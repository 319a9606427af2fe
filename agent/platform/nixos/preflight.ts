import { agentRuns } from '../../preflight/agent-runs.ts'
import { baseline } from '../../preflight/baseline.ts'
import { bootEntry, bootWritable } from '../../preflight/boot.ts'
import { agent, candidate, reboot } from '../../preflight/candidate.ts'
import type { Check } from '../../preflight/check.ts'
import { clock } from '../../preflight/clock.ts'
import { otherActivation } from '../../preflight/other-activation.ts'
import { hold, secondWay, users, window } from '../../preflight/people.ts'
import { baselineSecrets, secrets } from '../../preflight/secrets.ts'
import { spaceBoot, spaceState, spaceStore } from '../../preflight/space.ts'
import { signatures, trust } from '../../preflight/trust.ts'

/** What is looked at before an activation on NixOS. */
export const nixosChecks: readonly Check[] = [
  ...[hold, window, candidate, agent, agentRuns, trust, signatures, secrets, reboot],
  ...[
    otherActivation,
    baseline,
    bootEntry,
    baselineSecrets,
    spaceStore,
    spaceBoot,
    spaceState,
    bootWritable,
    secondWay,
    users,
    clock
  ]
]
