import { killMatrix, powerMatrix } from '../fleet/faults/deaths.ts'
import { candidates } from './faults/candidates.ts'
import { fullDisks } from './faults/disks.ts'
import type { MacFault } from './faults/fault.ts'
import { macVictim } from './faults/fault.ts'
import { interventions } from './faults/interventions.ts'

/** Every fault of a Mac. Which rows of NixOS have no place here is told in docs/darwin.md. */
export const macFaults: readonly MacFault[] = [
  ...killMatrix(macVictim),
  ...powerMatrix(macVictim),
  ...interventions,
  ...fullDisks,
  ...candidates
]

/** With the phase, where there is one. */
export const titleOf = ({ name, phase }: MacFault) => (phase === null ? name : `${name}, ${phase}`)

/** Those that every run of the tests tries: of each kind what only a Mac does. All of them take a quarter of an hour. */
const often = new Set([
  'runner, agent and guard killed, activating',
  'runner, agent and guard killed, committing',
  'runner, agent and guard killed, rolling-back',
  'power cut, arming',
  'power cut, activating',
  'power cut, verifying',
  'power cut, confirming',
  'power cut, committing',
  'power cut, rolling-back',
  'guard killed, runner and agent gone for good, confirming',
  "the agent's property list removed by hand, then a power cut: the guard alone, confirming",
  'power cut, and nobody logs in for a while, confirming',
  'disk full, rolling-back',
  'a property list that launchd refuses',
  'Homebrew that fails in the middle',
  'an agent whose property list starts something else',
  'a daemon that unloads runner and guard',
  'a script that hangs',
  'nobody at the screen, and then somebody',
  'a rollback that fails until a person comes, stuck'
])
export const oftenFaults = macFaults.filter((fault) => often.has(titleOf(fault)))
export const oftenCount = often.size
