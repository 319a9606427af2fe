import type { UnitAction } from '../../shared/api/plan.ts'
import type { UnitSettings } from './unit-file.ts'
import { flagOf } from './unit-file.ts'

/** Keys of [Unit] that say nothing about what runs. Source: switch-to-configuration-ng. */
const IGNORED = new Set([
  'Description',
  'Documentation',
  'OnFailure',
  'OnSuccess',
  'OnFailureJobMode',
  'IgnoreOnIsolate',
  'StopWhenUnneeded',
  'RefuseManualStart',
  'RefuseManualStop',
  'AllowIsolate',
  'CollectMode',
  'SourcePath'
])

export type Difference = 'equal' | 'reload' | 'restart'

/** Whether what runs by the old settings has to be reloaded or restarted to run by the new ones. */
export function compareUnits(old: UnitSettings, now: UnitSettings): Difference {
  let worst: Difference = 'equal'
  for (const section of new Set([...old.keys(), ...now.keys()])) {
    const [was, is] = [old.get(section), now.get(section)]
    const keys = new Set([...(was?.keys() ?? []), ...(is?.keys() ?? [])])
    // A section without settings that comes or goes is a difference all the same.
    if (keys.size === 0 && section !== 'Unit' && (was === undefined || is === undefined)) return 'restart'
    for (const key of keys) {
      const weight = weigh(section, key, was?.get(key), is?.get(key))
      if (weight === 'restart') return weight
      if (weight === 'reload') worst = weight
    }
  }
  return worst
}

type Values = readonly string[] | undefined

function weigh(section: string, key: string, was: Values, is: Values): Difference {
  if (was !== undefined && is !== undefined && same(was, is)) return 'equal'
  if (section === 'Unit' && IGNORED.has(key)) return 'equal'
  const reloads =
    (section === 'Unit' && key === 'X-Reload-Triggers') || (section === 'Service' && key === 'ExecReload')
  // What runs knows nothing of it, and the new unit asks for nothing.
  if (reloads) return is === undefined ? 'equal' : 'reload'
  const options = section === 'Mount' && key === 'Options'
  return options && was !== undefined && is !== undefined ? 'reload' : 'restart'
}

const same = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((value, i) => value === b[i])

/** What becomes of a running unit, and why. */
export interface Effect {
  readonly action: UnitAction
  readonly reason: string
}

const NEVER_DIRECTLY = ['sysinit.target', 'basic.target', 'multi-user.target', 'graphical.target']

/** What is done to a running unit that has changed. `now` is its new definition. */
export function effectOf(unit: string, difference: Difference, now: UnitSettings): Effect {
  if (difference === 'equal') return { action: 'none', reason: 'nothing that counts changes' }
  if (difference === 'reload') return { action: 'reload', reason: 'only what a reload brings changes' }
  if (NEVER_DIRECTLY.includes(unit) || /\.(path|slice)$/.test(unit))
    return { action: 'none', reason: 'systemd takes the change over by itself' }
  if (unit.endsWith('.target')) return { action: 'none', reason: 'a target is only started again' }
  if (unit.endsWith('.socket')) return { action: 'none', reason: 'a socket is not restarted for itself' }
  if (unit === '-.mount' || unit === 'nix.mount')
    return { action: 'reload', reason: 'it cannot be unmounted' }
  if (unit.endsWith('.mount')) return { action: 'restart', reason: 'its definition changes' }
  if (flagOf(now, 'Service', 'X-ReloadIfChanged', false))
    return { action: 'reload', reason: 'it wants to be reloaded (reloadIfChanged)' }
  if (!flagOf(now, 'Service', 'X-RestartIfChanged', true))
    return { action: 'keep', reason: 'it wants not to be restarted (restartIfChanged = false)' }
  if (flagOf(now, 'Unit', 'RefuseManualStop', false))
    return { action: 'keep', reason: 'it refuses to be stopped' }
  if (flagOf(now, 'Unit', 'X-OnlyManualStart', false))
    return { action: 'keep', reason: 'only a person starts it (X-OnlyManualStart)' }
  return { action: 'restart', reason: 'its definition changes' }
}

/** What is done to a running unit that is no longer there. `old` is its old definition. */
export function effectOfRemoval(old: UnitSettings): Effect {
  return flagOf(old, 'Unit', 'X-StopOnRemoval', true)
    ? { action: 'stop', reason: 'it is no longer there' }
    : {
        action: 'keep',
        reason: 'it is no longer there, and wants not to be stopped (X-StopOnRemoval = false)'
      }
}

/** Whether the change stops the service before the activation; otherwise it is restarted after it. */
export const stopsBefore = (unit: string, now: UnitSettings): boolean =>
  unit.endsWith('.service') && flagOf(now, 'Service', 'X-StopIfChanged', true)
