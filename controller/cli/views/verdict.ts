import { clean } from '../../../shared/clean.ts'
import type { Criterion, Outcome, Verdict, VerdictWord } from '../../../shared/verdict/result.ts'
import type { HostVerdict, SoakRow } from '../../verdict/report.ts'
import type { Cell, Paint } from './text.ts'
import { cut, shortPath, table } from './text.ts'

type Format = Parameters<Paint>[0]

/** How each verdict is painted. */
export const verdictFormat: Record<VerdictWord, Format> = {
  GO: 'green',
  'CONDITIONAL GO': 'yellow',
  'INSUFFICIENT EVIDENCE': 'yellow',
  'NO-GO': 'red'
}
const outcomeFormat: Record<Outcome, Format> = {
  pass: 'green',
  fail: 'red',
  inconclusive: 'yellow',
  error: 'red'
}

/** Reasons above the table, which has them all. */
const REASONS = 5

/** What did not pass comes first. */
export const worstFirst = (criteria: readonly Criterion[]): Criterion[] => [
  ...criteria.filter(({ outcome }) => outcome !== 'pass'),
  ...criteria.filter(({ outcome }) => outcome === 'pass')
]

/** Where a soak is in what was planned; one that is over is on its last day. */
export const soakDay = ({ day, plannedDays }: Pick<Verdict, 'day' | 'plannedDays'>) =>
  `${Math.min(day, plannedDays)} of ${plannedDays}`

/** One verdict for a terminal. */
export function verdictView({ verdict, decision, keptAt }: HostVerdict, paint: Paint): string {
  const { host, generation, because } = verdict
  const where = `generation ${generation ?? '-'}, day ${soakDay(verdict)}, ${shortPath(verdict.storePath)}`
  const rows = worstFirst(verdict.criteria).map((criterion): Cell[] => [
    { text: cut(clean(criterion.name), 40) },
    outcomeCell(criterion),
    { text: cut(clean(criterion.observed), 40) },
    { text: cut(clean(criterion.threshold), 50) },
    { text: clean(criterion.evidence) }
  ])
  const decided = decision
    ? `Decided: ${decision.decision} by ${clean(decision.by)} at ${decision.at}: ${clean(decision.reason)}\n`
    : ''
  return [
    `${clean(host)}  ${paint(verdictFormat[verdict.verdict], verdict.verdict)}  ${paint('dim', where)}\n`,
    keptAt === null ? '' : `  ${paint('yellow', keptLine(verdict.asOf))}\n`,
    ...because.slice(0, REASONS).map((text) => `  ${clean(text)}\n`),
    because.length > REASONS ? `  and ${because.length - REASONS} more, below\n` : '',
    `${decided}\n`,
    table(['CRITERION', 'RESULT', 'OBSERVED', 'WANTED', 'EVIDENCE'], rows, paint)
  ].join('')
}

/** Said of a verdict on a host that does not answer. */
export const keptLine = (asOf: string) =>
  `It does not answer: this is from what the controller has kept, as of ${clean(asOf)}`

function outcomeCell({ outcome, waiver }: Criterion): Cell {
  return waiver === null
    ? { text: outcome, format: outcomeFormat[outcome] }
    : { text: `${outcome}, waived`, format: 'yellow' }
}

/** The fleet at a glance: a line for each host, and below what became worse since yesterday. */
export function soakView(rows: readonly SoakRow[], paint: Paint): string {
  const body = table(['HOST', 'GEN', 'DAY', 'VERDICT SO FAR', 'DECIDED', 'BECAUSE'], rows.map(cells), paint)
  const worse = rows.flatMap(({ host, degraded }) =>
    degraded.map((text) => `  ${paint('red', clean(host))}: ${clean(text)}\n`)
  )
  const silent = rows.flatMap(({ host, error }) =>
    error === null ? [] : [`  ${paint('yellow', clean(host))}: ${clean(error.message)}\n`]
  )
  const kept = rows.flatMap(({ host, verdict, keptAt }) =>
    verdict === null || keptAt === null
      ? []
      : [`  ${paint('yellow', clean(host))}: as of ${clean(verdict.asOf)}\n`]
  )
  const part = (title: string, lines: string[]) => (lines.length === 0 ? '' : `\n${title}\n${lines.join('')}`)
  return `${body}${part('Worse since yesterday:', worse)}${part('Silent, by what the controller has kept:', kept)}${part('No evidence:', silent)}`
}

function cells({ host, verdict, decision }: SoakRow): Cell[] {
  if (verdict === null) {
    return [{ text: clean(host) }, { text: '-' }, { text: '-' }, { text: '-' }, { text: '-' }, { text: '' }]
  }
  const more = verdict.because.length > 1 ? ` (and ${verdict.because.length - 1} more)` : ''
  return [
    { text: clean(host) },
    { text: String(verdict.generation ?? '-') },
    { text: soakDay(verdict) },
    { text: verdict.verdict, format: verdictFormat[verdict.verdict] },
    { text: decision?.decision ?? '-' },
    { text: cut(clean(verdict.because[0] ?? ''), 70) + more }
  ]
}
