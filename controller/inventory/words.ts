import { Type } from 'typebox'

/** Pattern of a host's name. */
export const hostName = '^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$'
/** Pattern of a role, a tag, the name of a stage or of a gate. */
export const word = '^[A-Za-z0-9][A-Za-z0-9._:/-]{0,62}$'

export const closed = { additionalProperties: false } as const

/** A list of different words. */
export const words = (description: string) =>
  Type.Array(Type.String({ pattern: word }), { description, uniqueItems: true })

/** A list of different host names. */
export const hostNames = (description: string) =>
  Type.Array(Type.String({ pattern: hostName }), { description, uniqueItems: true })

/** A length of time such as `90s`, `10m`, `36h` or `14d`. */
export const Duration = (description: string) =>
  Type.String({ description, pattern: '^[0-9]{1,6}(s|m|h|d)$' })

const unit = { s: 1, m: 60, h: 3600, d: 86_400 } as const

/** Seconds of a length of time that the schema has let through. */
export function secondsOf(duration: string): number {
  return Number(duration.slice(0, -1)) * unit[duration.slice(-1) as keyof typeof unit]
}

/** Words with which a person says why; one line. */
export const because = (description: string) =>
  Type.String({ description, minLength: 1, maxLength: 300, pattern: '^[^\\u0000-\\u001f\\u007f]+$' })
