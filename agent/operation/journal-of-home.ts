import type { Journal } from '../journal/journal.ts'
import type { Event } from './events.ts'
import { isItsFault } from './marks.ts'
import type { HomeTarget } from './parts.ts'
import { acceptedOfHome, baselineOfHome } from './parts.ts'

/**
 * The journal of an operation on system and homes, as it reads for one of the homes. A rollback tells something of this
 * home's generation only where the home was at fault.
 */
export function journalOfHome(journal: Journal<Event>, home: HomeTarget, atFault: boolean): Journal<Event> {
  const read = (event: Event): Event => {
    if (event.type === 'accepted') return acceptedOfHome(event, home)
    if (event.type === 'baseline') return baselineOfHome(event, home.user) ?? event
    if (event.type === 'retargeted') return { type: 'waiting', reason: event.reason }
    if (event.type !== 'moved' || event.code === undefined) return event
    const code = atFault ? 'regression' : isItsFault(event.code) ? 'home-failed' : event.code
    return { ...event, code }
  }
  return {
    get records() {
      return journal.records.map((record) => ({ ...record, event: read(record.event) }))
    },
    append: (event) => journal.append(event),
    close: async () => {}
  }
}
