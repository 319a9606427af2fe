import { clean } from '../../../shared/clean.ts'
import type { HostDone } from '../commands/build.ts'
import type { Cell, Paint } from './text.ts'
import { duration, table } from './text.ts'

type Done = HostDone<{ readonly storePath: string; readonly seconds: number }>

/** The end of a build or a push: a table, then the log of each failure. */
export function hostsDoneView(hosts: readonly Done[], verb: string, paint: Paint): string {
  const rows = hosts.map((done): Cell[] => [
    { text: done.host },
    done.ok ? { text: `✔ ${verb}`, format: 'green' } : { text: `✖ ${done.code}`, format: 'red' },
    { text: done.ok ? duration(done.seconds) : '-' },
    { text: done.ok ? done.storePath : '-' }
  ])
  const failures = hosts.flatMap((done) =>
    done.ok ? [] : [`\n${paint('bold', done.host)}: ${done.message.split('\n').map(clean).join('\n  ')}\n`]
  )
  return `${table(['HOST', 'RESULT', 'TIME', 'STORE PATH'], rows, paint)}${failures.join('')}`
}
