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
