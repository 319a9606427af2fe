import { Type } from 'typebox'

/** Settings of the history of check results. */
export const HistorySettings = Type.Object(
  {
    days: Type.Integer({
      minimum: 30,
      maximum: 400,
      description: 'Days for which every sample is kept; hourly roll-ups are kept for 400 days at least',
      default: 35
    }),
    maxBytes: Type.Integer({
      minimum: 16_777_216,
      maximum: 4_294_967_296,
      description: 'Bytes that the history may take: the oldest samples go first, then roll-ups',
      default: 134_217_728
    })
  },
  { additionalProperties: false, description: 'History of check results', default: {} }
)
