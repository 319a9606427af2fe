import type { ServiceChange, UnitAction } from '../../shared/api/plan.ts'
import { compareUnits } from './unit-compare.ts'
import type { UnitSettings } from './unit-file.ts'
import { flagOf } from './unit-file.ts'
import type { UnitFiles } from './unit-tree.ts'
import { UnitTree } from './unit-tree.ts'

/**
 * What the activation of a home does to the units of its user, by the rules of sd-switch: what is gone is stopped, what
 * is new and wanted is started, what has changed is restarted, unless its X-SwitchMethod says otherwise. `running` are
 * the user's units that run; null where the user's service manager does not, and nothing is done to any.
 */
export function userServiceChanges(
  before: UnitFiles,
  after: UnitFiles,
  running: ReadonlySet<string> | null
): ServiceChange[] {
  const [old, now] = [new UnitTree(before), new UnitTree(after)]
  const wanted = new Set([...after.pulls.values()].flat())
  return [...new Set([...old.names(), ...now.names()])].sort().flatMap((unit) => {
    const found = changeOf(unit, old, now, wanted.has(unit))
    if (found === null) return []
    const { change, whenRunning, reason } = found
    if (running === null) {
      const later = "the user's service manager does not run: it is taken up when the user logs in"
      return [{ unit, change, whenRunning, action: 'none' as const, reason: later }]
    }
    const down = change !== 'added' && !running.has(unit)
    return [
      {
        unit,
        change,
        whenRunning,
        action: down ? 'none' : whenRunning,
        reason: down ? 'it does not run' : reason
      }
    ]
  })
}

type Found = Pick<ServiceChange, 'change' | 'whenRunning' | 'reason'>

function changeOf(unit: string, old: UnitTree, now: UnitTree, wanted: boolean): Found | null {
  if (!now.has(unit)) return { change: 'removed', whenRunning: 'stop', reason: 'it is gone' }
  if (!old.has(unit))
    return wanted
      ? { change: 'added', whenRunning: 'start', reason: 'it is new, and wanted' }
      : { change: 'added', whenRunning: 'none', reason: 'it is new, and nothing wants it' }
  const settings = now.settings(unit)
  if (compareUnits(old.settings(unit), settings) === 'equal') return null
  return { change: 'changed', ...methodOf(settings) }
}

const methods: Readonly<Record<string, UnitAction>> = {
  reload: 'reload',
  restart: 'restart',
  'stop-start': 'restart',
  'keep-old': 'keep'
}

function methodOf(settings: UnitSettings): Pick<ServiceChange, 'whenRunning' | 'reason'> {
  const said = settings.get('Unit')?.get('X-SwitchMethod')?.at(-1)
  const method = said === undefined ? undefined : methods[said]
  if (method !== undefined) return { whenRunning: method, reason: `its X-SwitchMethod is ${said}` }
  if (!flagOf(settings, 'Unit', 'X-RestartIfChanged', true))
    return { whenRunning: 'keep', reason: 'its X-RestartIfChanged is false' }
  return { whenRunning: 'restart', reason: 'its definition changes' }
}
