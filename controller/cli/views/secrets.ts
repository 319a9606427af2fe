import { clean } from '../../../shared/clean.ts'
import type { SecretsReport } from '../../secrets/check.ts'
import type { Paint } from './text.ts'

/** What was looked at, and each problem with its place. */
export function secretsView({ looked, problems }: SecretsReport, paint: Paint): string {
  const folders = looked.directories.length > 0 ? `, every file in ${looked.directories.join(', ')}` : ''
  const seen = `looked at ${looked.clan} secrets of the clan, ${looked.declared} that hosts declare${folders}\n`
  const lines = problems.map(({ severity, host, path, kind, message }) => {
    const mark = severity === 'error' ? paint('red', '✖') : paint('yellow', '!')
    return `${mark} ${host === null ? '' : `${host}: `}${clean(path)}: ${clean(message)} (${kind})\n`
  })
  const errors = problems.filter(({ severity }) => severity === 'error').length
  const end = errors === 0 ? paint('green', '✔ no errors\n') : paint('red', `${errors} errors\n`)
  return `${seen}${lines.join('')}${end}`
}
