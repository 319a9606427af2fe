import type { Plan } from './api/plan.ts'

/** True when an activation needs a reboot, now or later, or does what a rollback does not undo. */
export function isIrreversible({ reboot, notCovered }: Pick<Plan, 'reboot' | 'notCovered'>): boolean {
  return reboot.required || reboot.recommended || notCovered.length > 0
}

/** Fields that are not part of a plan's hash: sizes, times, words for people, and what runs just now. */
const aside = new Set([
  ...['hash', 'at', 'closure', 'bytesBefore', 'bytesAfter', 'action', 'reason', 'text'],
  ...['diff', 'note', 'dryActivation']
])
/** By what an entry of a list is known. */
const names = ['unit', 'path', 'name', 'what', 'code'] as const
const SHOWN = 200

/** What differs between an approved plan and the one now, a line each, at most so many, with a count of the rest. */
export function planDifference(approved: unknown, now: unknown, most = 12): readonly string[] {
  const lines = differences('', approved, now)
  if (lines.length <= most) return lines
  return [...lines.slice(0, most), `and ${lines.length - most} more`]
}

function differences(at: string, before: unknown, after: unknown): string[] {
  if (!isObject(before) || !isObject(after)) {
    const [was, is] = [show(before), show(after)]
    return was === is ? [] : [`${at || 'the plan'}: approved ${was}, now ${is}`]
  }
  const [old, now] = [fieldsOf(before), fieldsOf(after)]
  const keys = [...new Set([...old.keys(), ...now.keys()])].sort()
  return keys.flatMap((key) => differences(at === '' ? key : `${at} ${key}`, old.get(key), now.get(key)))
}

/** The fields of an object, or the entries of a list by their names; an entry without one stands for itself. */
function fieldsOf(value: object): ReadonlyMap<string, unknown> {
  if (!Array.isArray(value)) return new Map(Object.entries(value).filter(([key]) => !aside.has(key)))
  return new Map(value.map((entry) => [nameOf(entry), entry]))
}

function nameOf(entry: unknown): string {
  if (!isObject(entry)) return show(entry)
  const key = names.find((name) => name in entry)
  return key === undefined ? show(entry) : String((entry as Record<string, unknown>)[key])
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = typeof value === 'string' ? value : summary(value)
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text
}

/** An entry in short: what becomes of it, where it says so. */
function summary(value: unknown): string {
  const { change } = isObject(value) ? (value as { change?: unknown }) : {}
  return typeof change === 'string' ? change : JSON.stringify(value)
}
