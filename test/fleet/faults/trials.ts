import type { Phase } from '../../../shared/operation/phase.ts'
import type { Generation } from '../generation.ts'
import type { Fault } from './fault.ts'
import { agent, failing, good, runner } from './fault.ts'

const trialGuard = 'unit:belay-trial.service'

const trial = (name: string, phase: Phase, ends: readonly Phase[], rest: Partial<Fault>): Fault => ({
  name: `${name} (trial boot)`,
  phase,
  trial: true,
  candidate: good,
  confirm: 'health',
  ends,
  ...rest
})

const cut = (phase: Phase, ends: readonly Phase[], candidate: Partial<Generation> = good): Fault =>
  trial('power cut', phase, ends, { candidate, power: true, blows: (host) => [`pid:${host.leader}`] })

/** Kills and power cuts where a generation is booted once, in the phases before that boot and behind it. */
export const trials: readonly Fault[] = [
  trial('runner killed', 'staging', ['committed'], { blows: () => [runner] }),
  trial('runner and agent killed', 'staging', ['committed'], { blows: () => [runner, agent] }),
  trial('agent killed', 'staged', ['committed'], { blows: () => [agent] }),
  trial('runner killed', 'verifying', ['committed'], { blows: () => [runner] }),
  trial('runner, agent and guard killed', 'confirming', ['committed'], {
    blows: () => [runner, agent, trialGuard],
    confirm: 'person'
  }),
  // Whether the boot loader was told already is the only question: either system is a good end.
  cut('staging', ['rolled-back', 'committed']),
  cut('staged', ['committed']),
  cut('verifying', ['rolled-back']),
  { ...cut('confirming', ['rolled-back']), confirm: 'person' },
  cut('committing', ['rolled-back', 'committed']),
  cut('rolling-back', ['rolled-back'], failing)
]
