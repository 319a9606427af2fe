import { clean } from '../../../shared/clean.ts'
import type { VarsOfHost } from '../../secrets/vars.ts'
import type { HostDone } from '../commands/build.ts'
import type { Uploaded } from '../commands/vars-upload.ts'
import type { Paint } from './text.ts'

/** Each host in a line, with what it says of its secrets. */
export function uploadView(hosts: readonly HostDone<Uploaded>[], paint: Paint): string {
  return hosts
    .map((done) =>
      done.ok
        ? `${paint('green', '✔')} ${done.host}: uploaded; ${clean(done.evidence)}\n`
        : failure(done, paint)
    )
    .join('')
}

function failure({ host, code, message }: HostDone<object> & { readonly ok: false }, paint: Paint): string {
  const text = message.split('\n').map(clean).join('\n    ')
  return `${paint('red', '✖')} ${host}: ${code}\n    ${text}\n`
}

/** Each host in a line, with what is wrong below it. */
export function varsView(hosts: readonly HostDone<VarsOfHost>[], paint: Paint): string {
  return hosts
    .map((done) => {
      if (!done.ok) return failure(done, paint)
      const warnings = done.problems.map(({ path, message }) => `    ! ${clean(path)}: ${clean(message)}\n`)
      return `${paint('green', '✔')} ${done.host}: ${done.secrets} secrets of its own, all in order\n${warnings.join('')}`
    })
    .join('')
}
