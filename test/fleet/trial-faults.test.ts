import { controllers } from './faults/controllers.ts'
import { testFaults } from './faults/test.ts'
import { trials } from './faults/trials.ts'

testFaults('every fault of a trial boot, and of a controller, on real hosts', [...trials, ...controllers])
