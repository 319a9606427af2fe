import { clean } from '../../../shared/clean.ts'
import type { Criterion } from '../../../shared/verdict/result.ts'
import type { HostVerdict } from '../../verdict/report.ts'
import { keptLine, soakDay, worstFirst } from './verdict.ts'
import { checkChart, failureChart } from './verdict-charts.ts'
import { style } from './verdict-style.ts'

const marks: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const plain = (text: string) => clean(text).replace(/[&<>"']/g, (mark) => marks[mark] ?? '')

/** One verdict as one page that asks for nothing from elsewhere, with charts, for light, dark and paper. */
export async function verdictPage(host: HostVerdict): Promise<string> {
  const { verdict, evidence } = host
  const compared = evidence.checks.filter((check) => check.measures !== null)
  const charts = await Promise.all(compared.map((check) => checkChart(check, evidence.startedAt)))
  const figures = compared.map((check, i) =>
    figure(plain(`${check.name}${unit(check.unit)}`), charts[i] ?? '')
  )
  const failures = evidence.checks.length > 0 ? figure('Failed checks', await failureChart(evidence)) : ''
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${plain(verdict.host)}: ${verdict.verdict}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${plain(verdict.host)} <span class="verdict ${verdict.verdict.replace(' ', '-').toLowerCase()}">${verdict.verdict}</span></h1>
<p>Generation ${verdict.generation ?? '–'} · day ${soakDay(verdict)} · since ${minute(verdict.startedAt)} · as of ${minute(verdict.asOf)}</p>
${host.keptAt === null ? '' : `<p class="note">${plain(keptLine(verdict.asOf))}</p>`}
<p class="path">${plain(verdict.storePath)}</p>
<ul>${verdict.because.map((text) => `<li>${plain(text)}</li>`).join('')}</ul>
${decided(host)}</header>
<h2>Criteria</h2>
<table>
<thead><tr><th>Criterion</th><th>Result</th><th>Observed</th><th>Wanted</th><th>Evidence</th></tr></thead>
<tbody>
${worstFirst(verdict.criteria).map(row).join('\n')}
</tbody>
</table>
<h2>What was measured</h2>
<p class="note">Hourly values, UTC. The line marks the activation: left of it is the baseline.</p>
${failures}
${figures.join('\n')}
</body>
</html>
`
}

const minute = (at: string) => plain(`${at.slice(0, 16).replace('T', ' ')} UTC`)
const unit = (name: string | null) => (name === null ? '' : `, ${name}`)
const figure = (title: string, svg: string) => `<figure><figcaption>${title}</figcaption>${svg}</figure>`

function decided({ decision }: HostVerdict): string {
  if (decision === null) return ''
  return `<p>Decided <strong>${decision.decision}</strong> by ${plain(decision.by)}, ${minute(decision.at)}: ${plain(decision.reason)}</p>\n`
}

function row(criterion: Criterion): string {
  const { name, outcome, observed, threshold, evidence, waiver } = criterion
  const waived =
    waiver === null
      ? ''
      : `<small>waived by ${plain(waiver.by)}, ${minute(waiver.at)}: ${plain(waiver.reason)}</small>`
  return `<tr><td>${plain(name)}</td><td class="${outcome}">${outcome}${waived}</td><td>${plain(observed)}</td><td>${plain(threshold)}</td><td>${plain(evidence)}</td></tr>`
}
