import type { Known } from './known.ts'
import { caseLines, firstWords, NAMES } from './known.ts'

/** A completion script for zsh: in a directory of \`fpath\` as \`_belay\`, or sourced after \`compinit\`. */
export function zshScript(commands: readonly Known[]): string {
  return `#compdef belay
_belay() {
  local candidates="${firstWords(commands).join(' ')}" at="" takes="" fleet="" i word
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    case "$word" in -f|--fleet) fleet="\${words[i+1]}" ;; esac
    case "$at/$word" in
${caseLines(commands)}
    esac
  done
  case "\${words[CURRENT-1]}" in
    -f|--fleet) _files; return ;;
    --host) candidates="" takes=hosts ;;
  esac
  compadd -- \${=candidates}
  if [[ -n "$takes" ]]; then
    compadd -- \${(f)"$("\${words[1]}" \${fleet:+--fleet} \${fleet:+"$fleet"} ${NAMES} "$takes" 2>/dev/null)"}
  fi
}
if [[ "\${funcstack[1]}" == _belay ]]; then
  _belay "$@"
elif (( \${+functions[compdef]} )); then
  compdef _belay belay
fi
`
}
