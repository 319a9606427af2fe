import { Type } from 'typebox'
import type { Finding } from './kind.ts'
import { defineKind, fail, pass, some, unitName, yesOrNo } from './kind.ts'
import type { Shown } from './systemctl.ts'
import { showUnits } from './systemctl.ts'

const properties = ['Id', 'LoadState', 'ActiveState', 'SubState', 'Result']

/** Units that must be active. */
export const serviceKind = defineKind({
  options: {
    units: Type.Array(unitName, { minItems: 1, maxItems: 50, description: 'Units that must be active' })
  },
  gives: yesOrNo,
  begin:
    ({ units }) =>
    async (world) =>
      judgeActive(await showUnits(world, units, properties))
})

/** Passes when every unit is active; a unit that is just starting warns. */
export function judgeActive(units: readonly Shown[]): Finding {
  const say = ({ Id, LoadState, ActiveState, SubState, Result }: Shown) => {
    if (LoadState === 'not-found') return `${Id} does not exist`
    return `${Id} is ${ActiveState} (${Result === 'success' ? SubState : Result})`
  }
  const starts = ({ ActiveState }: Shown) => ActiveState === 'activating' || ActiveState === 'reloading'
  const not = units.filter(({ ActiveState }) => ActiveState !== 'active')
  const dead = not.filter((unit) => !starts(unit) || unit.SubState === 'auto-restart')
  if (units.length === 0) return { result: 'unknown', value: null, message: 'systemd tells of no unit' }
  if (dead.length > 0) return fail(some(dead.map(say)))
  if (not.length > 0) return { result: 'warn', value: null, message: some(not.map(say)) }
  return pass(`active: ${some(units.map(({ Id = '' }) => Id))}`)
}
