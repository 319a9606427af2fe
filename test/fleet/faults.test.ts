import t from 'tap'
import { allFaults } from './faults.ts'
import { fleetUnavailable } from './root.ts'
import { surviveAll } from './survive.ts'

t.test('every fault on real hosts', { skip: fleetUnavailable() ?? false, timeout: 590_000 }, async (t) => {
  let told = 0
  await surviveAll(allFaults, ({ fault, phases, complaints, secondsToGood }) => {
    told += 1
    const title = `${fault.name}${fault.phase ? `, ${fault.phase}` : ''}: ${phases.at(-1)} in ${secondsToGood.toFixed(1)} s`
    t.same(complaints, [], title)
  })
  t.equal(told, allFaults.length, 'none was left out')
})
