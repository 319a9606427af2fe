import type { Command } from 'commander'

/** Shells for which there is a completion script. */
export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** A completion script made from the commands themselves. */
export function completion(program: Command, shell: Shell): string {
  const flags = (command: Command) =>
    [...command.options, ...program.options].flatMap((option) => option.long ?? [])
  const commands = program.commands.flatMap((command): Known[] => [
    known(command, '', flags(command)),
    ...command.commands.map((inner) => known(inner, command.name(), flags(inner)))
  ])
  if (shell === 'fish') return fish(commands)
  const script = bash(commands)
  return shell === 'bash' ? script : `#compdef belay\nautoload -U +X bashcompinit && bashcompinit\n${script}`
}

interface Known {
  readonly name: string
  /** The command that it belongs to, or nothing. */
  readonly of: string
  readonly about: string
  readonly words: readonly string[]
}

function known(command: Command, of: string, flags: readonly string[]): Known {
  const words = [...command.commands.map((inner) => inner.name()), ...flags]
  return { name: command.name(), of, about: command.description(), words }
}

function bash(commands: readonly Known[]): string {
  const cases = commands.map(
    ({ name, of, words }) =>
      `      "${of}/${name}") at="${of === '' ? name : of}" words="${words.join(' ')}" ;;`
  )
  const first = commands.filter(({ of }) => of === '').map(({ name }) => name)
  return `_belay() {
  local words="${first.join(' ')}" at="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$at/$word" in
${cases.join('\n')}
    esac
  done
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
    -f|--fleet) COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}")) ;;
  esac
}
complete -F _belay belay
`
}

function fish(commands: readonly Known[]): string {
  const names = commands.filter(({ of }) => of === '').map(({ name }) => name)
  const lines = commands.flatMap(({ name, of, about, words }) => {
    const siblings = of === '' ? names : commands.filter((each) => each.of === of).map((each) => each.name)
    const above = of === '' ? '' : `__fish_seen_subcommand_from ${of}; and `
    const here = `${above}not __fish_seen_subcommand_from ${siblings.join(' ')}`
    const flags = words.filter((word) => word.startsWith('--'))
    return [
      `complete -c belay -f -n '${here}' -a ${name} -d '${about.replaceAll("'", '’')}'`,
      ...flags.map(
        (flag) => `complete -c belay -n '${above}__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)}`
      )
    ]
  })
  return `${lines.join('\n')}\n`
}
