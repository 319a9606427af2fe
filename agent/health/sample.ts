import type { Sample } from '../../shared/api/checks.ts'
import type { CheckEvidence, Severity } from '../../shared/verdict/evidence.ts'

/** What has to be known of a check to keep and to judge its samples. */
export interface CheckDefinition {
  readonly name: string
  readonly severity: Severity
  readonly measures: CheckEvidence['measures']
  readonly unit: string | null
  /** Samples that its schedule asks for in an hour, on average, and the shortest time between two. */
  readonly perHour: number
  readonly leastMs: number
  /** How long it must fail, in seconds of the host being on, before that is an incident. */
  readonly forSeconds: number
}

/** Characters kept of a message. */
const MAX_MESSAGE = 500

/** A sample as it is kept: within bounds, and with a value only where that is a number. */
export function bounded(sample: Sample): Sample {
  const { value, durationMs } = sample
  return {
    check: sample.check.slice(0, 200),
    at: Math.trunc(sample.at),
    result: sample.result,
    value: value !== null && Number.isFinite(value) ? value : null,
    durationMs: Number.isFinite(durationMs) ? Math.max(0, Math.round(durationMs)) : 0,
    message: sample.message.slice(0, MAX_MESSAGE)
  }
}
