import type { CheckName, PreflightCheck } from '../../shared/api/preflight.ts'
import type { ActivationMode } from '../../shared/api/schemas.ts'
import { clean } from '../../shared/clean.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import { describeError } from '../../shared/errors.ts'
import type { Settings } from '../config/settings.ts'
import type { Observed } from '../operation/drift.ts'

/** Longest evidence and remedy: all checks together stay well below what an operation has set aside. */
const MAX_EVIDENCE = 300

/** What is looked at: a generation, on this host, now. */
export interface Subject {
  readonly storePath: string
  readonly settings: Settings
  readonly seen: Observed
  /** Milliseconds since the epoch. */
  readonly nowMs: number
  /** A look changes nothing at all; before an activation a file may be written and removed again. */
  readonly looking: 'only' | 'before activation'
  /** How it is to come to run. */
  readonly mode: ActivationMode
  /** Who wants it outside the windows, where somebody does. */
  readonly outsideWindow: string | null
  /** Another operation that has not ended. */
  readonly unfinished: string | null
}

/** What a check found. */
export type Finding = Omit<PreflightCheck, 'name'>

/** One check, ready to be run. */
export interface Check {
  readonly name: CheckName
  /** What cannot be told in so many seconds is unknown. */
  readonly limitSeconds: number
  run(subject: Subject, signal: AbortSignal): Promise<Finding>
}

/** A check of two halves: one looks, the other judges what was seen, purely. */
export function check<Seen>(of: {
  readonly name: CheckName
  readonly limitSeconds?: number
  readonly look: (subject: Subject, signal: AbortSignal) => Promise<Seen>
  readonly judge: (seen: Seen, subject: Subject) => Finding
}): Check {
  const { name, limitSeconds = 10, look, judge } = of
  return {
    name,
    limitSeconds,
    run: async (subject, signal) => judge(await look(subject, signal), subject)
  }
}

/** All is as it must be. */
export const pass = (evidence: string): Finding => ({ result: 'pass', code: null, evidence, remedy: null })

/** A person should know. */
export const warn = (evidence: string, remedy: string): Finding => ({
  result: 'warn',
  code: null,
  evidence,
  remedy
})

/** Nothing may be activated. */
export const fail = (code: ErrorCode, evidence: string, remedy: string): Finding => ({
  result: 'fail',
  code,
  evidence,
  remedy
})

/** It could not be told. */
export const unknown = (evidence: string, remedy: string | null = null): Finding => ({
  result: 'unknown',
  code: null,
  evidence,
  remedy
})

/** A warning or a failure, as the setting says. */
export const byStrictness = (
  strictness: 'warn' | 'fail',
  code: ErrorCode,
  evidence: string,
  remedy: string
) => (strictness === 'fail' ? fail(code, evidence, remedy) : warn(evidence, remedy))

/** Runs a check within its time. Never throws. */
export async function carryOut(check: Check, subject: Subject): Promise<PreflightCheck> {
  const over = new AbortController()
  const tooLong = Promise.withResolvers<Finding>()
  const timer = setTimeout(() => {
    tooLong.resolve(unknown(`no answer within ${check.limitSeconds} s`))
    over.abort()
  }, check.limitSeconds * 1000)
  const found = check.run(subject, over.signal).catch((error: unknown) => unknown(describeError(error)))
  const { result, code, evidence, remedy } = await Promise.race([found, tooLong.promise])
  clearTimeout(timer)
  return { name: check.name, result, code, evidence: bounded(evidence), remedy: remedy && bounded(remedy) }
}

const bounded = (text: string) => {
  const line = clean(text)
  return line.length > MAX_EVIDENCE ? `${line.slice(0, MAX_EVIDENCE - 1)}…` : line
}
