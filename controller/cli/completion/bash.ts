import type { Known } from './known.ts'
import { caseLines, firstWords, NAMES } from './known.ts'

/** A completion script for bash. */
export function bashScript(commands: readonly Known[]): string {
  return `_belay() {
  local candidates="${firstWords(commands).join(' ')}" at="" takes="" fleet="" i word
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$word" in -f|--fleet) fleet="\${COMP_WORDS[i+1]}" ;; esac
    case "$at/$word" in
${caseLines(commands)}
    esac
  done
  case "$previous" in
    -f|--fleet) COMPREPLY=($(compgen -f -- "$current")); return ;;
    --host) candidates="" takes=hosts ;;
  esac
  if [ -n "$takes" ]; then
    candidates="$candidates $("\${COMP_WORDS[0]}" \${fleet:+--fleet "$fleet"} ${NAMES} "$takes" 2>/dev/null)"
  fi
  COMPREPLY=($(compgen -W "$candidates" -- "$current"))
}
complete -F _belay belay
`
}
