import { Type } from 'typebox'
import { checklistPoints } from '../../shared/api/checklist.ts'
import { Duration } from './words.ts'

/** Points of the production checklist. */
export const Points = (description: string) =>
  Type.Array(Type.Enum(checklistPoints, { description: 'Point of the checklist, see belay checklist' }), {
    description,
    minItems: 1,
    uniqueItems: true
  })

export const DrillWithin = Type.Optional(
  Duration('How old the last rollback drill may be, where drill is asked for. Default 30d')
)
