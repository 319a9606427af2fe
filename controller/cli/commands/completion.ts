import type { Command } from 'commander'

/** Shells for which there is a completion script. */
export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** A completion script made from the commands themselves. */
export function completion(program: Command, shell: Shell): string {
  const commands = program.commands.map((command) => ({
    name: command.name(),
    about: command.description(),
    flags: [...command.options, ...program.options].flatMap((option) => option.long ?? [])
  }))
  if (shell === 'fish') return fish(commands)
  const script = bash(commands)
  return shell === 'bash' ? script : `#compdef belay\nautoload -U +X bashcompinit && bashcompinit\n${script}`
}

interface Known {
  readonly name: string
  readonly about: string
  readonly flags: readonly string[]
}

function bash(commands: readonly Known[]): string {
  const cases = commands.map(({ name, flags }) => `      ${name}) words="${flags.join(' ')}" ;;`)
  return `_belay() {
  local words="${commands.map(({ name }) => name).join(' ')}" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
${cases.join('\n')}
      -f|--fleet) ;;
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
  const names = commands.map(({ name }) => name).join(' ')
  const lines = commands.flatMap(({ name, about, flags }) => [
    `complete -c belay -f -n 'not __fish_seen_subcommand_from ${names}' -a ${name} -d '${about.replaceAll("'", '’')}'`,
    ...flags.map(
      (flag) => `complete -c belay -n '__fish_seen_subcommand_from ${name}' -l ${flag.replace(/^--/, '')}`
    )
  ])
  return `${lines.join('\n')}\n`
}
