import type { Known } from './known.ts'
import { firstWords, NAMES } from './known.ts'

/** A completion script for fish. */
export function fishScript(commands: readonly Known[]): string {
  const lines = commands.flatMap((command) => linesOf(command, commands))
  return `function __belay_names
  set -l tokens (commandline -opc)
  set -l fleet
  for i in (seq (count $tokens))
    if contains -- $tokens[$i] -f --fleet
      set fleet --fleet $tokens[(math $i + 1)]
    end
  end
  $tokens[1] $fleet ${NAMES} $argv 2>/dev/null
end
${lines.join('\n')}
`
}

function linesOf({ name, of, about, words, takes }: Known, commands: readonly Known[]): string[] {
  const siblings =
    of === '' ? firstWords(commands) : commands.filter((each) => each.of === of).map((each) => each.name)
  const above = of === '' ? '' : `__fish_seen_subcommand_from ${of}; and `
  const here = `${above}not __fish_seen_subcommand_from ${siblings.join(' ')}`
  const within = `${above}__fish_seen_subcommand_from ${name}`
  const flags = words.filter((word) => word.startsWith('--'))
  return [
    `complete -c belay -f -n '${here}' -a ${name} -d '${about.replaceAll("'", '’')}'`,
    ...(takes === null ? [] : [`complete -c belay -f -n '${within}' -a '(__belay_names ${takes})'`]),
    ...flags.map((flag) => {
      const hosts = flag === '--host' ? " -x -a '(__belay_names hosts)'" : ''
      return `complete -c belay -n '${within}' -l ${flag.slice(2)}${hosts}`
    })
  ]
}
