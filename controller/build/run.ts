import type { CommandOptions, CommandResult } from '../../shared/command.ts'

/** Runs a program; `runCommand`, or a fake in tests. */
export type Run = (argv: readonly string[], options: CommandOptions) => Promise<CommandResult>

/** Nix with what the commands here need; older releases have them off by default. */
export const nixProgram = ['nix', '--extra-experimental-features', 'nix-command flakes'] as const

/** Lines of a log that go into an error message. */
const LOG_LINES = 20

/** The end of what a failed command printed, or why it did not run. */
export function endOfLog(result: CommandResult): string {
  if (result.timedOut) return 'it did not end in time'
  return result.stderr.trim().split('\n').slice(-LOG_LINES).join('\n')
}
