import { clean } from '../../../shared/clean.ts'
import type { HostVerdict, SoakRow } from '../../verdict/report.ts'
import { worstFirst } from './verdict.ts'

/** Text of others inside Markdown: nothing in it is markup, and it stays on its line. */
const plain = (text: string) => clean(text).replace(/[\\`*_{}[\]<>|#~]/g, (mark) => `\\${mark}`)
const row = (...cells: string[]) => `| ${cells.join(' | ')} |`

/** One verdict as Markdown, for a pull request. */
export function verdictMarkdown({ verdict, decision }: HostVerdict): string {
  const lines = worstFirst(verdict.criteria).map(({ name, outcome, waiver, observed, threshold, evidence }) =>
    row(
      plain(name),
      waiver === null ? outcome : `${outcome}, waived by ${plain(waiver.by)}`,
      plain(observed),
      plain(threshold),
      plain(evidence)
    )
  )
  const decided = decision
    ? [
        `Decided **${decision.decision}** by ${plain(decision.by)}, ${decision.at}: ${plain(decision.reason)}`,
        ''
      ]
    : []
  return [
    `## ${plain(verdict.host)}: ${verdict.verdict}`,
    '',
    `Generation ${verdict.generation ?? '-'}, day ${verdict.day} of ${verdict.plannedDays}, as of ${plain(verdict.asOf)}`,
    '',
    ...verdict.because.map((text) => `* ${plain(text)}`),
    '',
    ...decided,
    row('Criterion', 'Result', 'Observed', 'Wanted', 'Evidence'),
    row('---', '---', '---', '---', '---'),
    ...lines,
    ''
  ].join('\n')
}

/** The morning's page: what became worse first, then one line a host. */
export function digestMarkdown(rows: readonly SoakRow[], day: string, weekly: boolean): string {
  const worse = rows.flatMap(({ host, degraded }) =>
    degraded.map((text) => `* **${plain(host)}**: ${plain(text)}`)
  )
  const silent = rows.flatMap(({ host, error }) =>
    error === null ? [] : [`* **${plain(host)}**: ${plain(error.message)}`]
  )
  const part = (title: string, lines: string[]) =>
    lines.length > 0 ? [`### ${title}`, '', ...lines, ''] : []
  return [
    `## Soak ${weekly ? 'review of the week' : 'digest'}, ${day}`,
    '',
    ...(worse.length > 0 ? [] : ['Nothing became worse since yesterday.', '']),
    ...part('Worse since yesterday', worse),
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
              `${verdict.day} of ${verdict.plannedDays}`,
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
