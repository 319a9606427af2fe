import type { BoundedResult } from '../../../shared/command.ts'
import type { Measures } from '../../health/begin.ts'
import { commandKind } from '../../health/kinds/command.ts'
import type { Contained, Kind, World } from '../../health/kinds/kind.ts'
import { meshKind } from '../../health/kinds/mesh.ts'
import { sshKind } from '../../health/kinds/ssh.ts'
import { tools } from './tools.ts'

/** The command line that runs another as a user, yielding to everything else. */
export function containedArgv(argv: readonly string[], { user, environment }: Contained): readonly string[] {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
  return [
    ...(user === null ? [] : [tools.sudo, '-n', '-H', '-u', user, '--']),
    ...[tools.nice, '-n', '10'],
    ...(variables.length === 0 ? [] : [tools.env, ...variables]),
    ...argv
  ]
}

/** launchd has no transient units: its process group ends with a command, and what has left that does not. */
function withContained(world: World): World {
  const runContained = (argv: readonly string[], contained: Contained): Promise<BoundedResult> =>
    world.run(containedArgv(argv, contained))
  return { ...world, runContained }
}

const inGroup = (kind: Kind) => (options: unknown) => {
  const measure = kind.begin(options)
  return (world: World) => measure(withContained(world))
}

/** Checks that run commands. */
export const containedMeasures: Measures = {
  command: inGroup(commandKind),
  ssh: inGroup(sshKind),
  mesh: inGroup(meshKind)
}
