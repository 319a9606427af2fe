import { ACTIVATION_UNIT } from './transient-unit.ts'
import { RUNNER_UNIT } from './units.ts'

/** Units that would fight with a rescue: the agent starts runners again, the runner and the guards switch. */
export const FIGHTERS = [
  'belay-agent.service',
  RUNNER_UNIT,
  'belay-guard-*',
  `${ACTIVATION_UNIT}.service`
] as const
