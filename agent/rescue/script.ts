import type { GenerationRef } from '../../shared/api/schemas.ts'
import { isTerminal, phases } from '../../shared/operation/phase.ts'
import { shellWord } from './quote.ts'
import type { Way } from './way.ts'

const ends = phases.filter(isTerminal)

/** What the script does alike on every platform, in words of the shell. */
const COMMON = `# The platform has: change COMMAND..., which shows and runs what changes files, and move FROM TO. What fails stops
# nothing.
say() { printf '%s\\n' "$*"; }
show() {
  printf '+'
  printf ' %s' "$@"
  printf '\\n'
}
# first_target PROGRAM: the first target that has the program is the system to go to.
first_target() {
  while read -r path; do
    if [ -x "$path/$1" ]; then
      system=$path
      break
    fi
    say "rescue: $path is not there any more"
    chosen=
    turns=0
  done <<TARGETS
$targets
TARGETS
  if [ ! -x "$chosen/$1" ]; then chosen=$system; fi
}
# Its runner may have ended the operation since this was written: then it stays as it is.
has_ended() {
  case $(tail -n 1 "$operation/journal.jsonl" 2>/dev/null) in
    ${ends.map((phase) => `*'"event":{"type":"moved","to":"${phase}",'*`).join(' | ')}) return 0 ;;
  esac
  return 1
}
# turn_operation: the agent that comes back must not go elsewhere.
turn_operation() {
  if [ -n "$operation" ] && [ -d "$operation" ] && ! has_ended; then
    cancel='{"word":"cancel","principal":"rescue script","reason":"a person brought the host back"}'
    if [ "$turns" = 0 ] || ! { printf '%s\\n' "$cancel" >"$operation/cancel.json"; } 2>/dev/null; then
      move "$operation" "$set_aside"
    else
      say '+ told the operation to go back'
      printf '{"word":"retry","principal":"rescue script","target":null}\\n' >"$operation/retry.json" 2>/dev/null
    fi
  fi
}
# choose_link: the newest link that names the system becomes the profile's, or a new one.
choose_link() {
  link=
  newest=0
  for each in "$profile"-*-link; do
    number=\${each#"$profile"-}
    number=\${number%-link}
    case $number in '' | *[!0-9]*) continue ;; esac
    [ "$number" -le "$newest" ] || newest=$number
    if [ "$(readlink "$each")" = "$chosen" ] && { [ -z "$link" ] || [ "$number" -gt "$link" ]; }; then link=$number; fi
  done
  if [ -z "$link" ]; then
    link=$((newest + 1))
    change ln -s "$chosen" "$profile-$link-link"
  fi
  change ln -sfn "\${profile##*/}-$link-link" "$profile"
}
`

/** What a rescue script is made for. */
export interface ScriptOptions {
  readonly hostName: string
  /** RFC 3339. */
  readonly writtenAt: string
  /** The script's own place, for its head. */
  readonly path: string
  /** The system profile. */
  readonly profile: string
  /** Where to, surest first; the first that is still in the store counts. */
  readonly targets: readonly GenerationRef[]
  /** What the profile is to name when the first target is gone to. */
  readonly chosen: string
  /** Whose files and jobs may be on the host beside those of another; null where nobody's. */
  readonly left: string | null
  /** The operation that has not ended. */
  readonly operation: {
    readonly directory: string
    /** Where it lies when nobody is to go on with it. */
    readonly setAside: string
    /** Whether a word is enough: it goes back to the first target by itself, or has changed nothing. */
    readonly turns: boolean
  } | null
  /** How long an activation may take. */
  readonly limitSeconds: number
  /** Default `/run`; another in tests. */
  readonly run?: string
}

/**
 * A shell script that brings this host back: without Node, without the agent, without the network, without Nix. The
 * platform's body does the work.
 */
export function rescueScript(options: ScriptOptions, { script }: Pick<Way, 'script'>): string {
  const { hostName, writtenAt, path, profile, targets, chosen, operation, limitSeconds } = options
  const word = shellWord
  return `#!/bin/sh
# The way back for ${oneLine(hostName)}, written by belay-agent at ${oneLine(writtenAt)}.
# Needs neither Node nor the agent nor the network.
#
#   as root:             sh ${oneLine(path)}
#   another generation:  sh ${oneLine(path)} 41
set -u
profile=${word(profile)}
chosen=${word(chosen)}
left=${word(options.left ?? '')}
operation=${word(operation?.directory ?? '')}
set_aside=${word(operation?.setAside ?? '')}
# Whether a word to the operation is enough.
turns=${operation?.turns ? 1 : 0}
limit=${limitSeconds}
run=${word(options.run ?? '/run')}
log=$run/belay-rescue.log
targets=${word(targets.map(({ storePath }) => storePath).join('\n'))}
${COMMON}${script}`
}

/** For a comment: nothing may begin a line of its own. */
const oneLine = (text: string) => text.replace(/[^\x20-\x7e]/g, '?')
