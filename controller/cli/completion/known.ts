import type { Command } from 'commander'

/** The hidden command that prints what a script needs of the fleet file. */
export const NAMES = 'names'

/** What can be completed from the fleet file. */
export const nameKinds = ['hosts', 'stages'] as const
export type NameKind = (typeof nameKinds)[number]

/** One command, as a completion script knows it. */
export interface Known {
  readonly name: string
  /** The command that it belongs to, or nothing. */
  readonly of: string
  readonly about: string
  readonly words: readonly string[]
  /** What its argument is. */
  readonly takes: NameKind | null
}

/** Every command and its subcommands. */
export function knownCommands(program: Command): Known[] {
  const flags = (command: Command) =>
    [...command.options, ...program.options].flatMap((option) => option.long ?? [])
  return program.commands
    .filter((command) => command.name() !== NAMES)
    .flatMap((command): Known[] => [
      known(command, '', flags(command)),
      ...command.commands.map((inner) => known(inner, command.name(), flags(inner)))
    ])
}

function known(command: Command, of: string, flags: readonly string[]): Known {
  const words = [...command.commands.map((inner) => inner.name()), ...flags]
  const argument = command.registeredArguments[0]?.name()
  const takes = argument === 'host' ? 'hosts' : argument === 'stage' ? 'stages' : null
  return { name: command.name(), of, about: command.description(), words, takes }
}

/** Lines of a `case` over where one is and the next word; the same for every shell of that kind. */
export function caseLines(commands: readonly Known[]): string {
  return commands
    .map(({ name, of, words, takes }) => {
      const at = of === '' ? name : of
      return `      "${of}/${name}") at="${at}" candidates="${words.join(' ')}" takes="${takes ?? ''}" ;;`
    })
    .join('\n')
}

/** The commands with which a command line begins. */
export const firstWords = (commands: readonly Known[]) =>
  commands.filter(({ of }) => of === '').map(({ name }) => name)
