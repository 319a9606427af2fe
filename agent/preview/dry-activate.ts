import type { DryActivation } from '../../shared/api/plan.ts'
import { clean } from '../../shared/clean.ts'

type Lists = Exclude<keyof DryActivation, 'other'>

/** How switch-to-configuration begins its lines. Source: switch-to-configuration-ng; platform facts §2.3. */
const beginnings: readonly (readonly [RegExp, Lists])[] = [
  [/^would stop the following units: /, 'stop'],
  [/^would NOT restart\/stop the following changed units: /, 'keep'],
  [/^would NOT restart the following changed units: /, 'keep'],
  [/^would reload the following units: /, 'reload'],
  [/^would restart the following units: /, 'restart'],
  [/^would start the following units: /, 'start']
]

/** Lines kept of what is no list of units. */
const MAX_OTHER = 200

/** Reads what `dry-activate` printed; what is not known is kept as it is. */
export function readDryActivation(output: string): DryActivation {
  const lists: Record<Lists, string[]> = { stop: [], start: [], restart: [], reload: [], keep: [] }
  const other: string[] = []
  for (const line of output.split('\n').map(clean)) {
    const found = beginnings.find(([pattern]) => pattern.test(line))
    if (found === undefined) {
      if (line.trim() !== '' && other.length < MAX_OTHER) other.push(line.slice(0, 500))
      continue
    }
    const [pattern, list] = found
    lists[list].push(...line.replace(pattern, '').split(', ').filter(Boolean))
  }
  return { ...lists, other }
}
