import { Type } from 'typebox'
import type { Finding } from './kind.ts'
import { defineKind, some, unitName } from './kind.ts'
import { parseUnits, systemctl } from './systemctl.ts'

/** Units of the system that have failed. */
export const failedUnitsKind = defineKind({
  options: {
    ignore: Type.Array(unitName, { maxItems: 100, description: 'Units that may fail', default: [] })
  },
  gives: { measures: null, unit: 'units' },
  begin:
    ({ ignore }) =>
    async (world) =>
      judgeFailed(
        parseUnits(await systemctl(world, ['list-units', '--state=failed', '--output=json'])),
        ignore
      )
})

/** Fails when a unit has failed that may not. */
export function judgeFailed(failed: readonly string[], ignore: readonly string[]): Finding {
  const bad = failed.filter((unit) => !ignore.includes(unit))
  if (bad.length === 0) return { result: 'pass', value: 0, message: 'no unit has failed' }
  return { result: 'fail', value: bad.length, message: `failed: ${some(bad)}` }
}
