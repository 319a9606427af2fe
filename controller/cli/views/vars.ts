import { clean } from '../../../shared/clean.ts'
import type { VarsOfHost } from '../../secrets/vars.ts'
import type { HostDone } from '../commands/build.ts'
import type { Paint } from './text.ts'

/** Each host in a line, with what is wrong below it. */
export function varsView(hosts: readonly HostDone<VarsOfHost>[], paint: Paint): string {
  return hosts
    .map((done) => {
      if (!done.ok) {
        const text = done.message.split('\n').map(clean).join('\n    ')
        return `${paint('red', '✖')} ${done.host}: ${done.code}\n    ${text}\n`
      }
      const warnings = done.problems.map(({ path, message }) => `    ! ${clean(path)}: ${clean(message)}\n`)
      return `${paint('green', '✔')} ${done.host}: ${done.secrets} secrets of its own, all in order\n${warnings.join('')}`
    })
    .join('')
}
