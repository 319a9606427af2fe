import type { FileProblem } from '../inventory/problems.ts'
import { didYouMean } from '../inventory/suggest.ts'
import type { Notify } from './schema.ts'

/** What is wrong in a `notify` section whose shape is right. */
export function notifyProblems(notify: Notify = {}): FileProblem[] {
  return [...sameName(notify), ...urlProblems(notify), ...unknownSinks(notify)]
}

const kinds = ['webhooks', 'ntfy', 'commands'] as const

function sameName(notify: Notify): FileProblem[] {
  const taken = new Set<string>()
  return kinds.flatMap((kind) =>
    Object.keys(notify[kind] ?? {}).flatMap((name) => {
      if (!taken.has(name)) {
        taken.add(name)
        return []
      }
      return [problem(['notify', kind, name], name, 'a name that no other sink has')]
    })
  )
}

/** Secrets belong in files: what stands in a URL is shown in errors and kept in repositories. */
function urlProblems(notify: Notify): FileProblem[] {
  return (['webhooks', 'ntfy'] as const).flatMap((kind) =>
    Object.entries(notify[kind] ?? {}).flatMap(([name, { url }]) => {
      const parsed = URL.parse(url)
      if (parsed !== null && parsed.username === '' && parsed.password === '') return []
      // What is refused for its password is not shown.
      const shown = url.replace(/\/\/[^/]*@/, '//…@')
      return [problem(['notify', kind, name, 'url'], shown, 'a URL without user and password')]
    })
  )
}

function unknownSinks(notify: Notify): FileProblem[] {
  const known = kinds.flatMap((kind) => Object.keys(notify[kind] ?? {}))
  return (['digest', 'weekly', 'rollouts'] as const).flatMap((key) =>
    (notify[key] ?? []).flatMap((name, index) =>
      known.includes(name)
        ? []
        : [problem(['notify', key, String(index)], name, `the name of a sink${didYouMean(name, known)}`)]
    )
  )
}

function problem(path: readonly string[], found: unknown, wanted: string): FileProblem {
  return { path, message: `found ${JSON.stringify(found)}, wanted ${wanted}`, found, wanted }
}
