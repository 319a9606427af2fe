import { clean } from '../../../shared/clean.ts'
import type { Fact, Inventory } from '../../inventory/inventory.ts'
import type { Cell, Paint } from './text.ts'
import { table } from './text.ts'

/** Every fact of every host with its source, then what is odd. */
export function inventoryView({ hosts, remarks }: Inventory, paint: Paint): string {
  const rows = hosts.flatMap(({ name, facts }) =>
    facts
      .filter(isWorthShowing)
      .map((fact, index): Cell[] => [
        index === 0 ? { text: name, format: 'bold' } : { text: '' },
        { text: fact.name },
        { text: fact.source, ...(fact.source === 'built in' ? { format: 'dim' as const } : {}) },
        { text: clean(show(fact.value)) }
      ])
  )
  const notes = remarks.map((remark) => `${paint('yellow', '!')} ${clean(remark)}\n`).join('')
  return `${table(['HOST', 'FACT', 'FROM', 'VALUE'], rows, paint)}${notes === '' ? '' : `\n${notes}`}`
}

/** What nobody set and means nothing is left out; `--json` has all. */
function isWorthShowing({ value, source, name }: Fact): boolean {
  const empty = value === null || value === false || (Array.isArray(value) && value.length === 0)
  return source !== 'built in' || (!empty && name !== 'windowSeconds')
}

function show(value: unknown): string {
  if (Array.isArray(value)) return value.map(show).join(', ')
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
}
