import { plainMarkdown as plain } from '../../../shared/clean.ts'
import type { HostVerdict } from '../../verdict/report.ts'
import { keptLine, soakDay, worstFirst } from './verdict.ts'

/** One line of a table. */
export const row = (...cells: string[]) => `| ${cells.join(' | ')} |`

/** One verdict as Markdown, for a pull request. */
export function verdictMarkdown({ verdict, decision, keptAt }: HostVerdict): string {
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
    `Generation ${verdict.generation ?? '-'}, day ${soakDay(verdict)}, as of ${plain(verdict.asOf)}`,
    '',
    ...(keptAt === null ? [] : [plain(keptLine(verdict.asOf)), '']),
    ...verdict.because.map((text) => `* ${plain(text)}`),
    '',
    ...decided,
    row('Criterion', 'Result', 'Observed', 'Wanted', 'Evidence'),
    row('---', '---', '---', '---', '---'),
    ...lines,
    ''
  ].join('\n')
}
