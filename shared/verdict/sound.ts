import type { Evidence } from './evidence.ts'
import type { Judged } from './result.ts'

/** Share by which two ways to count the same time may differ. */
const SLACK = 1.001

/** What in the evidence cannot be true at once, as a criterion that is in error; null where it is sound. */
export function contradictionOf(evidence: Evidence): Judged | null {
  const wrong = contradictions(evidence)
  if (wrong.length === 0) return null
  return {
    name: 'evidence',
    check: null,
    outcome: 'error',
    observed: wrong.join('; '),
    threshold: 'evidence that can be true',
    window: 'all of it',
    evidence: 'nothing is concluded from evidence that contradicts itself',
    statistics: []
  }
}

function contradictions(evidence: Evidence): string[] {
  const start = Date.parse(evidence.startedAt)
  const end = Date.parse(evidence.endedAt ?? evidence.asOf)
  const times = evidence.checks.flatMap((check) => [...check.baseline, ...check.soak]).map((h) => h.hour)
  const names = evidence.checks.map((check) => check.name)
  const said: [boolean, string][] = [
    [
      Number.isNaN(start) || Number.isNaN(end) || times.some((t) => Number.isNaN(Date.parse(t))),
      'a time is none'
    ],
    [end < start, 'it ended before it began'],
    [evidence.availableSeconds > evidence.onSeconds * SLACK, 'available for longer than on'],
    [evidence.onSeconds > ((end - start) / 1000) * SLACK + 60, 'on for longer than it lasted'],
    [new Set(names).size < names.length, 'two checks have one name']
  ]
  return said.flatMap(([wrong, text]) => (wrong ? [text] : []))
}
