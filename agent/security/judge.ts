import type { ProfileName } from '../../shared/api/profile.ts'
import { userOf } from '../../shared/api/profile.ts'
import type { Statement } from '../../shared/approval.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import { BelayError } from '../../shared/errors.ts'
import type { Settings } from '../config/settings.ts'
import type { Spent } from './approval-store.ts'

/** Seconds by which the clock of who signs may be ahead of this host's. */
const SKEW_SECONDS = 300

/** What an activation wants approved. */
export interface Asked {
  readonly host: string
  readonly profile: ProfileName
  readonly storePath: string
  readonly mode: Statement['mode']
  readonly confirm: Statement['confirm']
  readonly revision: number | null
  /** Null while it is not admitted yet. */
  readonly operation: string | null
}

/** An approval before anybody has looked at its signature. */
export interface Claim {
  readonly statement: Statement
  readonly spent: Spent | null
}

/** Why an approval does not count, with the code of it. */
export interface Objection {
  readonly code: ErrorCode
  readonly text: string
  readonly found: unknown
  readonly wanted: unknown
}

/** When an approval ends, in milliseconds since 1970: by itself, or because this host lets none grow so old. */
export function endOf({ issuedAt, expiresAt }: Statement, maxAgeSeconds: number): number {
  return Math.min(Date.parse(expiresAt), Date.parse(issuedAt) + maxAgeSeconds * 1000)
}

/** What is wrong with the time of an approval, or null. */
export function untimely(statement: Statement, nowMs: number, maxAgeSeconds: number): Objection | null {
  const now = new Date(nowMs).toISOString()
  const { issuedAt } = statement
  if (Date.parse(issuedAt) > nowMs + SKEW_SECONDS * 1000) {
    const text = `signed at ${issuedAt}, which is to come; here it is ${now}`
    return { code: 'approval-not-yet-valid', text, found: issuedAt, wanted: `before ${now}` }
  }
  const end = endOf(statement, maxAgeSeconds)
  if (nowMs < end) return null
  const endAt = new Date(end).toISOString()
  return {
    code: 'approval-expired',
    text: `expired at ${endAt}; here it is ${now}`,
    found: endAt,
    wanted: now
  }
}

/** Whether an approval is of this host, profile, path, manner and revision. */
export function mismatch({ statement }: Claim, asked: Asked): Objection | null {
  const pairs: readonly [ErrorCode, string, unknown, unknown][] = [
    ['approval-wrong-host', 'host', statement.host, asked.host],
    ['approval-wrong-profile', 'profile', statement.profile, asked.profile],
    ['approval-wrong-path', 'store path', statement.storePath, asked.storePath],
    ['approval-wrong-mode', 'mode', statement.mode, asked.mode],
    ['approval-wrong-confirm', 'confirmation by', statement.confirm, asked.confirm],
    ['approval-wrong-revision', 'revision', statement.revision ?? asked.revision, asked.revision]
  ]
  const wrong = pairs.find(([, , found, wanted]) => found !== wanted)
  if (wrong === undefined) return null
  const [code, what, found, wanted] = wrong
  return {
    code,
    text: `approved for ${what} ${found ?? 'none'}, asked for ${wanted ?? 'none'}`,
    found,
    wanted
  }
}

/** That a host which wants revisions to grow has none to go by in an approval, or null. */
export function unnumbered({ statement }: Claim, { revision }: Settings['approval']): Objection | null {
  if (revision === 'optional' || statement.revision !== null) return null
  const text = 'the approval names no revision, and this host takes none without'
  return { code: 'approval-wrong-revision', text, found: null, wanted: 'belay approve … --revision N' }
}

/** Whether somebody has used the approval, other than this very operation, or taken it back. */
export function ended({ spent }: Claim, operation: string | null): Objection | null {
  if (spent === null || isOwn(spent, operation)) return null
  if (spent.by === 'operation') {
    const text = `used by operation ${spent.operation} at ${spent.at}; an approval is good for one`
    return { code: 'approval-used', text, found: spent.operation, wanted: 'an approval that was not used' }
  }
  const text = `taken back by ${spent.principal} at ${spent.at}: ${spent.reason}`
  return { code: 'approval-revoked', text, found: spent.reason, wanted: 'an approval that was not revoked' }
}

/** This operation has used it and was cut off: it was timely when that was written. */
export const isOwn = (spent: Spent | null, operation: string | null): boolean =>
  spent?.by === 'operation' && spent.operation === operation

/** From far to near: of several objections a person hears that to the approval that came nearest, or is newest. */
const nearness: readonly (readonly ErrorCode[])[] = [
  ['approval-wrong-host'],
  ['approval-wrong-profile'],
  ['approval-wrong-path'],
  ['approval-wrong-revision'],
  ['approval-used', 'approval-revoked', 'approval-expired', 'approval-not-yet-valid'],
  ['approval-wrong-mode', 'approval-wrong-confirm'],
  ['approval-malformed', 'approval-bad-signature', 'approval-unknown-key', 'approval-key-revoked'],
  ['approval-wrong-plan']
]
const nearnessOf = ({ code }: Objection) => nearness.findIndex((codes) => codes.includes(code))

/** The refusal of an activation: what was wrong with the nearest approval, or that there is none. Newest come first. */
export function refusal(
  asked: Asked,
  counted: readonly string[],
  approvers: number,
  objections: readonly Objection[]
): BelayError {
  const near = objections.toSorted((a, b) => nearnessOf(b) - nearnessOf(a))[0]
  if (counted.length > 0) {
    const text = `approved by ${counted.join(', ')}; this host wants ${approvers}`
    const also = near === undefined ? '' : `; one more does not count: ${near.text}`
    return new BelayError('approval-too-few', `${text}${also}`, {
      found: counted.length,
      wanted: approvers,
      at: 'approval'
    })
  }
  if (near === undefined) {
    const text = `nobody has approved ${asked.storePath} on ${asked.host}`
    const user = userOf(asked.profile)
    const home = user === null ? '' : ` --home ${user}`
    return new BelayError('approval-missing', text, {
      found: 0,
      wanted: `belay approve ${asked.host}${home} --plan HASH --path ${asked.storePath}`,
      at: 'approval'
    })
  }
  return new BelayError(near.code, near.text, { found: near.found, wanted: near.wanted, at: 'approval' })
}

/**
 * Approvals that count, in order: neither of a person nor of a key that was counted before, so that two of them are two
 * people, each with a key of their own.
 */
export function distinct<T extends { readonly principal: string; readonly key: string }>(
  signed: readonly T[]
): readonly T[] {
  const counted: T[] = []
  for (const one of signed)
    if (!counted.some((other) => other.principal === one.principal || other.key === one.key))
      counted.push(one)
  return counted
}
