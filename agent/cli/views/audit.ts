import { clean } from '../../../shared/clean.ts'
import type { Finding } from '../audit.ts'

/** A line for each operation, and how many are how. */
export function audit(findings: readonly Finding[]): string {
  const count = (verdict: Finding['verdict']) => findings.filter((each) => each.verdict === verdict).length
  const kinds = (['ok', 'unfinished', 'broken', 'missing'] as const).filter((kind) => count(kind) > 0)
  const summary = kinds.map((kind) => `${count(kind)} ${kind}`).join(', ')
  const operations = `${findings.length} operation${findings.length === 1 ? '' : 's'}`
  return [...findings.map(line), findings.length === 0 ? 'no operations' : `${operations}: ${summary}`].join(
    '\n'
  )
}

function line({ id, verdict, records, phase, line, problem }: Finding): string {
  switch (verdict) {
    case 'ok':
      return `${id}  ok: ${records} records, ${phase}`
    case 'unfinished':
      return `${id}  unfinished: ${records} records, ${phase}, and nothing works on it. Either the agent is stopped, or the end was cut off`
    case 'broken':
      return `${id}  broken at line ${line}: ${clean(problem ?? '')}`
    case 'missing':
      return `${id}  missing: ${clean(problem ?? '')}`
  }
}
