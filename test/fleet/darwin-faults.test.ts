import t from 'tap'
import { oftenCount, oftenFaults, titleOf } from '../darwin/faults.ts'
import { surviveOnMacs } from '../darwin/survive.ts'
import { fleetUnavailable } from './root.ts'

/** Each assertion is a fault, on a stand-in for a Mac: see docs/darwin.md. All there are: npm run test:faults -- --darwin. */
t.test('faults on a Mac', { skip: fleetUnavailable() ?? false, timeout: 1_150_000 }, async (t) => {
  let told = 0
  await surviveOnMacs(oftenFaults, ({ fault, phases, complaints }) => {
    told += 1
    t.same(complaints, [], `${titleOf(fault)}: ${phases.at(-1)}`)
  })
  t.equal(told, oftenCount, 'none was left out')
})
