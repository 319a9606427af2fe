import type { LoadedUnit } from './services.ts'

/** Properties that {@link readLoadedUnits} needs of every unit. */
export const loadedProperties = [
  'Id',
  'ActiveState',
  'FragmentPath',
  'Following',
  'ConditionResult',
  'ConditionTimestampMonotonic'
] as const

/** Where a generation's units are, as systemd sees them. */
const OURS = '/etc/systemd/system/'

/** Reads `systemctl show '*'`: blocks of KEY=VALUE, in any order, an empty line between two. */
export function readLoadedUnits(text: string): ReadonlyMap<string, LoadedUnit> {
  const units = new Map<string, LoadedUnit>()
  for (const block of text.split(/\n\n+/)) {
    const lines = block.split('\n').filter((line) => line.includes('='))
    const value = new Map(
      lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])
    )
    const id = value.get('Id') ?? ''
    // A unit that follows another is that one under another name.
    if (id === '' || (value.get('Following') ?? '') !== '') continue
    const state = value.get('ActiveState') ?? ''
    units.set(id, {
      state,
      ours: (value.get('FragmentPath') ?? '').startsWith(OURS),
      conditionsHold:
        state === 'failed' ||
        value.get('ConditionResult') === 'yes' ||
        value.get('ConditionTimestampMonotonic') === '0'
    })
  }
  return units
}

/** Reads `systemctl list-units --plain --no-legend`: unit, load state, active state, and more. */
export function readUnitStates(text: string): Map<string, LoadedUnit> {
  const units = new Map<string, LoadedUnit>()
  for (const line of text.split('\n')) {
    const [unit, load, state] = line.trim().split(/\s+/)
    if (unit === undefined || load === undefined || state === undefined) continue
    units.set(unit, { state, ours: false, conditionsHold: true })
  }
  return units
}
