import { testFaults } from './faults/test.ts'
import { switchFaults } from './faults.ts'

testFaults('every fault of a switch on real hosts', switchFaults)
