import { clean } from '../../../shared/clean.ts'

/** Files named in a reason. */
const NAMED = 10

/** The files in the way of an activation, as home-manager names them before it changes anything. */
export function collisionsIn(output: readonly string[]): readonly string[] {
  const found = output.flatMap(
    (line) => /Existing file '(.{1,500}?)' would be clobbered/.exec(line)?.[1] ?? []
  )
  return [...new Set(found)].sort()
}

/** What a person is told of them. */
export function describeCollisions(files: readonly string[], user: string): string {
  const named = files
    .slice(0, NAMED)
    .map((file) => clean(file))
    .join(', ')
  const more = files.length > NAMED ? ` and ${files.length - NAMED} more` : ''
  return `in the way of the new home of ${user}: ${named}${more}; move them away, or let the generation force them`
}
