import { clean } from '../../../shared/clean.ts'
import type { LeakReport } from '../../leaks/scan-closure.ts'
import type { Paint } from './text.ts'

/** What was looked at in each closure, and where something was found; never what. */
export function leaksView(reports: readonly LeakReport[], paint: Paint): string {
  return reports.map((report) => closureView(report, paint)).join('\n')
}

function closureView({ storePath, leaks, allowed, scanned, skipped }: LeakReport, paint: Paint): string {
  const mebibytes = Math.ceil(scanned.bytes / 1024 / 1024)
  const lines = [
    `${storePath}\n`,
    `  looked at ${scanned.files} files, ${mebibytes} MiB, of ${scanned.paths} store paths in ${scanned.seconds} s\n`,
    `  left out ${skipped.public} that are public, ${skipped.known} that were found clean before\n`,
    ...allowed.map(({ path, kind, reason }) => `  - ${kind} in ${clean(path)}: allowed, ${clean(reason)}\n`),
    ...leaks.map(
      ({ path, kind, offset }) => `  ${paint('red', '✖')} ${kind} in ${clean(path)}, byte ${offset}\n`
    ),
    leaks.length === 0 ? paint('green', '  ✔ no secrets\n') : paint('red', `  ${leaks.length} secrets\n`)
  ]
  return lines.join('')
}
