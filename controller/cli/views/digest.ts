import { plainMarkdown as plain } from '../../../shared/clean.ts'
import type { Delivery, Message } from '../../notify/message.ts'
import type { SoakRow } from '../../verdict/report.ts'
import type { Paint } from './text.ts'
import { soakDay } from './verdict.ts'
import { row } from './verdict-markdown.ts'

/** The digest of a day, or the review of a week, as a message without identity. */
export function digestMessage(rows: readonly SoakRow[], day: string, weekly: boolean): Omit<Message, 'id'> {
  const worse = rows.some(({ degraded }) => degraded.length > 0)
  const bad = rows.filter(({ verdict }) => verdict === null || verdict.verdict === 'NO-GO').length
  return {
    title: `${titleOf(day, weekly)}: ${summary(rows)}`,
    text: digestMarkdown(rows, day, weekly),
    priority: bad > 0 ? 'high' : worse ? 'normal' : 'low',
    tags: ['belay', weekly ? 'weekly' : 'digest']
  }
}

const titleOf = (day: string, weekly: boolean) => `Soak ${weekly ? 'review of the week' : 'digest'}, ${day}`

/** How many hosts have which verdict, worst first. */
function summary(rows: readonly SoakRow[]): string {
  const words = ['NO-GO', 'INSUFFICIENT EVIDENCE', 'CONDITIONAL GO', 'GO'] as const
  const counts = words.map((word) => [rows.filter((each) => each.verdict?.verdict === word).length, word])
  const silent = rows.filter(({ verdict }) => verdict === null).length
  return [[silent, 'without evidence'], ...counts]
    .filter(([count]) => count !== 0)
    .map(([count, word]) => `${count} ${word}`)
    .join(', ')
}

/** What became worse first, then one line a host; of a week also every comparison. */
function digestMarkdown(rows: readonly SoakRow[], day: string, weekly: boolean): string {
  const since = weekly ? 'last week' : 'yesterday'
  const worse = rows.flatMap(({ host, degraded }) =>
    degraded.map((text) => `* **${plain(host)}**: ${plain(text)}`)
  )
  const silent = rows.flatMap(({ host, error }) =>
    error === null ? [] : [`* **${plain(host)}**: ${plain(error.message)}`]
  )
  const kept = rows.flatMap(({ host, verdict, keptAt }) =>
    verdict === null || keptAt === null ? [] : [`* **${plain(host)}**: as of ${plain(verdict.asOf)}`]
  )
  const part = (title: string, lines: string[]) =>
    lines.length > 0 ? [`### ${title}`, '', ...lines, ''] : []
  return [
    `## ${titleOf(day, weekly)}`,
    '',
    ...(worse.length > 0 ? [] : [`Nothing became worse since ${since}.`, '']),
    ...part(`Worse since ${since}`, worse),
    ...part('Silent, by what the controller has kept', kept),
    ...part('No evidence', silent),
    row('Host', 'Generation', 'Day', 'Verdict so far', 'Decided', 'Because'),
    row('---', '---', '---', '---', '---', '---'),
    ...rows.flatMap(({ host, verdict, decision }) =>
      verdict === null
        ? []
        : [
            row(
              plain(host),
              String(verdict.generation ?? '-'),
              soakDay(verdict),
              verdict.verdict,
              decision?.decision ?? '-',
              plain(verdict.because.join('; '))
            )
          ]
    ),
    '',
    ...(weekly ? rows.flatMap(weekOf) : [])
  ].join('\n')
}

/** Everything about one host that is not plainly well, and every comparison with the baseline. */
function weekOf({ host, verdict }: SoakRow): string[] {
  if (verdict === null) return []
  const shown = verdict.criteria.filter(
    ({ outcome, statistics }) => outcome !== 'pass' || statistics.length > 0
  )
  return [
    `### ${plain(host)}`,
    '',
    ...shown.map(
      ({ name, outcome, observed, evidence }) =>
        `* ${plain(name)}: ${outcome}, ${plain(observed)} (${plain(evidence)})`
    ),
    ''
  ]
}

/** How each sink took it, one line each. */
export function deliveriesView(deliveries: readonly Delivery[], paint: Paint): string {
  return deliveries
    .map(({ sink, ok, attempts, error }) => {
      const times = attempts > 1 ? ` after ${attempts} attempts` : ''
      return ok
        ? `${paint('green', 'delivered')} to ${sink}${times}\n`
        : `${paint('red', 'not delivered')} to ${sink}${times}: ${error}\n`
    })
    .join('')
}
