import t from 'tap'
import { fleetUnavailable } from '../root.ts'
import { surviveAll } from '../survive.ts'
import type { Fault } from './fault.ts'

/** One test of which each assertion is a fault. */
export function testFaults(name: string, faults: readonly Fault[]): void {
  void t.test(name, { skip: fleetUnavailable() ?? false, timeout: 590_000 }, async (t) => {
    let told = 0
    await surviveAll(faults, ({ fault, phases, complaints, secondsToGood }) => {
      told += 1
      const title = `${fault.name}${fault.phase ? `, ${fault.phase}` : ''}: ${phases.at(-1)} in ${secondsToGood.toFixed(1)} s`
      t.same(complaints, [], title)
    })
    t.equal(told, faults.length, 'none was left out')
  })
}
