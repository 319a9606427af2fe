import { clean } from '../../../shared/clean.ts'
import type { HostDone } from '../commands/build.ts'
import type { Cached } from '../commands/cache.ts'
import type { Cell, Paint } from './text.ts'
import { table } from './text.ts'

/** Which cache has the closure of which host. */
export function cacheView(hosts: readonly HostDone<Cached>[], paint: Paint): string {
  const rows = hosts.flatMap((done): Cell[][] => {
    if (!done.ok) return [[{ text: done.host }, { text: '-' }, { text: `✖ ${done.code}`, format: 'red' }]]
    return done.caches.map(({ cache, complete, message }): Cell[] => [
      { text: done.host },
      { text: cache },
      complete === true
        ? { text: `✔ ${message}`, format: 'green' }
        : {
            text: `${complete === false ? '✖' : '?'} ${clean(message)}`,
            format: complete === false ? 'red' : 'yellow'
          }
    ])
  })
  const failures = hosts.flatMap((done) =>
    done.ok ? [] : [`\n${paint('bold', done.host)}: ${done.message.split('\n').map(clean).join('\n  ')}\n`]
  )
  return `${table(['HOST', 'CACHE', 'HAS'], rows, paint)}${failures.join('')}`
}
