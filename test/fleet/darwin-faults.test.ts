import t from 'tap'
import { macFaults } from '../darwin/faults.ts'
import { surviveOnMacs } from '../darwin/survive.ts'
import { fleetUnavailable } from './root.ts'

/** Each assertion is a fault, on a stand-in for a Mac: see docs/darwin.md. */
t.test('every fault on a Mac', { skip: fleetUnavailable() ?? false, timeout: 1_150_000 }, async (t) => {
  let told = 0
  await surviveOnMacs(macFaults, ({ fault, end, complaints }) => {
    told += 1
    t.same(complaints, [], `${fault.name}${fault.phase ? `, ${fault.phase}` : ''}: ${end}`)
  })
  t.equal(told, macFaults.length, 'none was left out')
})
