import { setTimeout as delay } from 'node:timers/promises'
import type { Sample } from '../../shared/api/checks.ts'
import { clean } from '../../shared/clean.ts'
import { describeError } from '../../shared/errors.ts'
import type { Finding, Measure, World } from './kinds/kind.ts'
import { unknown } from './kinds/kind.ts'

/** A message is for a line. */
const MAX_MESSAGE = 500

/** The clock of the checks. */
export interface CheckClock {
  /** Milliseconds since the epoch. */
  now(): number
  monotonicMs(): number
}

/** One run. */
export interface Run {
  readonly name: string
  readonly timeoutMs: number
  readonly measure: Measure
  readonly world: (signal: AbortSignal) => World
  readonly clock: CheckClock
  /** Resolves after so long; another one in tests. */
  readonly after?: (ms: number, signal: AbortSignal) => Promise<void>
}

/** What a run gave, and what resolves when nothing of it is left. */
export interface Ended {
  readonly sample: Sample
  readonly settled: Promise<void>
}

const realTime = (ms: number, signal: AbortSignal) => delay(ms, undefined, { signal })

/** Runs a check once. Never throws: what goes wrong, or does not come to an end, is `unknown`. */
export async function runCheck({
  name,
  timeoutMs,
  measure,
  world,
  clock,
  after = realTime
}: Run): Promise<Ended> {
  const at = clock.now()
  const begun = clock.monotonicMs()
  const limit = new AbortController()
  const done = new AbortController()
  const measured = (async () => measure(world(limit.signal)))().catch((error: unknown) =>
    unknown(`could not look: ${describeError(error)}`)
  )
  const tooLate = after(timeoutMs, done.signal).then(
    (): Finding => unknown(`did not end within ${timeoutMs / 1000} s`),
    () => measured // the other one was first
  )
  const finding = await Promise.race([measured, tooLate])
  done.abort()
  limit.abort(new Error('the check is over'))
  return {
    sample: sampleOf(name, at, clock.monotonicMs() - begun, finding),
    settled: measured.then(() => {})
  }
}

/** A sample that holds what it promises, whatever a kind found. */
function sampleOf(
  check: string,
  at: number,
  durationMs: number,
  { result, value, message }: Finding
): Sample {
  return {
    check,
    at,
    result,
    value: value !== null && Number.isFinite(value) ? value : null,
    durationMs: Math.max(durationMs, 0),
    message: clean(message).slice(0, MAX_MESSAGE).toWellFormed()
  }
}
