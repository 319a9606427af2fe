import type { BaselineView, HistoryPage, Soak } from '../../../shared/api/soak.ts'
import { clean } from '../../../shared/clean.ts'
import type { Incident } from '../../../shared/verdict/evidence.ts'

const time = (at: string) => at.slice(0, 19).replace('T', ' ')

/** Days, hours and minutes of a time in seconds. */
function duration(seconds: number): string {
  const [d, h, m] = [
    Math.floor(seconds / 86_400),
    Math.floor((seconds % 86_400) / 3600),
    Math.floor((seconds % 3600) / 60)
  ]
  return d > 0 ? `${d} d ${h} h` : `${h} h ${m} min`
}

const percent = (part: number, whole: number) => (whole > 0 ? `${((100 * part) / whole).toFixed(2)} %` : '-')

/** The soak in brief. */
export function soak(s: Soak): string {
  const open = Object.entries(s.openIncidents).filter(([, count]) => count > 0)
  const lines = [
    `day ${s.day} of ${s.storePath}  (${s.cause})`,
    `  since         ${time(s.startedAt)}, ${duration(s.onSeconds)} on`,
    `  available     ${percent(s.availableSeconds, s.onSeconds)}`,
    `  samples       ${s.receivedSamples} of ${s.expectedSamples} (${s.coverage === null ? '-' : percent(s.coverage, 1)})`,
    `  reboots       ${s.reboots}, unexpected ${s.unexpectedReboots}; agent restarts ${s.agentRestarts}`,
    `  incidents     ${open.length === 0 ? 'none open' : open.map(([severity, count]) => `${count} ${severity}`).join(', ')}`
  ]
  if (s.baselineShortcoming !== null) lines.push(`  baseline      ${clean(s.baselineShortcoming)}`)
  if (s.damage !== null) lines.push(`  the ledger was damaged: ${clean(s.damage)}`)
  if (!s.history.writable) lines.push(`  the history is not written; ${s.history.waiting} samples wait`)
  if (s.history.aside !== null)
    lines.push(`  the history could not be read and began empty; it is in ${s.history.aside}`)
  return lines.join('\n')
}

/** The issues log, one incident in a line or two. */
export function incidents(all: readonly Incident[]): string {
  if (all.length === 0) return 'no incidents'
  const line = (i: Incident) => {
    const head = `${i.id}  ${time(i.openedAt)}  ${i.severity.padEnd(8)} ${i.status.padEnd(8)} ${clean(i.description)}`
    return i.workaround === null ? head : `${head}\n    workaround: ${clean(i.workaround)}`
  }
  return all.map(line).join('\n')
}

/** Baselines, newest first. */
export function baselines(all: readonly BaselineView[]): string {
  if (all.length === 0) return 'no baselines'
  const line = (b: BaselineView) => {
    const failing = [...b.failing, ...b.failedUnits].map(clean)
    const head = `${b.id}  ${b.storePath}  ${b.hours} h of samples, failing: ${failing.join(', ') || 'nothing'}`
    return b.shortcoming === null ? head : `${head}\n    ${clean(b.shortcoming)}`
  }
  return all.map(line).join('\n')
}

/** A page of a history. */
export function history(page: HistoryPage): string {
  const value = (v: number | null) => (v === null ? '-' : String(Number(v.toPrecision(6))))
  const lines = [
    ...page.samples.map((s) =>
      `${time(s.at)}  ${s.result.padEnd(7)} ${value(s.value)}  ${clean(s.message)}`.trimEnd()
    ),
    ...page.hours.map(
      (h) =>
        `${time(h.hour)}  pass ${h.pass}  warn ${h.warn}  fail ${h.fail}  unknown ${h.unknown}  median ${value(h.median)}  p95 ${value(h.p95)}  max ${value(h.max)}`
    )
  ]
  return lines.length === 0 ? 'no samples' : lines.join('\n')
}
