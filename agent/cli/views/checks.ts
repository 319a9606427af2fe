import type { CheckState } from '../../../shared/api/checks.ts'
import { clean } from '../../../shared/clean.ts'

/** A table, a check in each line, and how many are how. */
export function checks(all: readonly CheckState[]): string {
  if (all.length === 0) return 'no checks'
  const rows = [
    ['CHECK', 'RESULT', 'SEVERITY', 'VALUE', 'SINCE', 'FOUND'],
    ...all.map((state) => [
      state.name,
      resultOf(state),
      state.severity,
      amountOf(state),
      state.since === null ? '-' : `${state.since.slice(0, 16).replace('T', ' ')}`,
      clean(state.message)
    ])
  ]
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)))
  const lines = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  )
  const count = (result: CheckState['result']) => all.filter((state) => state.result === result).length
  const counted = (['fail', 'warn', 'unknown', 'pass', null] as const).filter((result) => count(result) > 0)
  const summary = counted.map((result) => `${count(result)} ${result ?? 'not run yet'}`).join(', ')
  return `${lines.join('\n')}\n${all.length} checks: ${summary}`
}

/** One check in a line. */
export function check(state: CheckState): string {
  const value = amountOf(state)
  const took = state.durationSeconds === null ? '' : ` (took ${state.durationSeconds.toFixed(2)} s)`
  return `${state.name}: ${resultOf(state)}${value === '-' ? '' : ` ${value}`}: ${clean(state.message)}${took}`
}

function resultOf({ result, failing, flapping }: CheckState): string {
  // Failing, but not yet for as long as its `forSeconds` demand.
  const pending = result === 'fail' && !failing ? ' (pending)' : ''
  return `${result ?? '-'}${pending}${flapping ? ' (flapping)' : ''}`
}

function amountOf({ value, unit }: CheckState): string {
  if (value === null) return '-'
  return `${Number(value.toPrecision(4))}${unit === null ? '' : ` ${unit}`}`
}
