import type { Run } from '../../../controller/build/run.ts'
import type { CommandOptions, CommandResult } from '../../../shared/command.ts'

/** A program that answers at once; `calls` tells with what it was run. */
export function fakeRun(result: Partial<CommandResult> = {}) {
  const calls: { argv: readonly string[]; options: CommandOptions }[] = []
  const run: Run = async (argv, options) => {
    calls.push({ argv, options })
    for (const line of result.stderr?.split('\n') ?? []) options.onStderrLine?.(line)
    return { code: 0, stdout: '', stderr: '', timedOut: false, ...result }
  }
  return { run, calls }
}
