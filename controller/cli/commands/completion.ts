import type { Command } from 'commander'
import { bashScript } from '../completion/bash.ts'
import { fishScript } from '../completion/fish.ts'
import type { Known } from '../completion/known.ts'
import { knownCommands } from '../completion/known.ts'
import { zshScript } from '../completion/zsh.ts'

/** Shells for which there is a completion script. */
export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

const scripts: Record<Shell, (commands: readonly Known[]) => string> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript
}

/** A completion script made from the commands themselves; names of hosts and stages it asks for when they are needed. */
export function completion(program: Command, shell: Shell): string {
  return scripts[shell](knownCommands(program))
}
