import { candidates } from './faults/candidates.ts'
import { controllers } from './faults/controllers.ts'
import { killMatrix, powerMatrix } from './faults/deaths.ts'
import { fullDisks } from './faults/disks.ts'
import type { Fault } from './faults/fault.ts'
import { nixos } from './faults/fault.ts'
import { interventions } from './faults/interventions.ts'
import { trials } from './faults/trials.ts'

/** Every fault of a candidate that is switched to, on the host itself. */
export const switchFaults: readonly Fault[] = [
  ...killMatrix(nixos),
  ...powerMatrix(nixos),
  ...interventions,
  ...fullDisks,
  ...candidates
]

/** Every fault there is. */
export const allFaults: readonly Fault[] = [...switchFaults, ...trials, ...controllers]
