import { clean } from '../../../shared/clean.ts'
import type { HostResult, Outcome } from '../../deploy/events.ts'
import { outcomes } from '../../deploy/events.ts'
import type { Cell, Paint } from './text.ts'
import { cut, duration, firstLine, shortPath, table } from './text.ts'

/** Sign and colour of each outcome. */
export const outcomeLook = {
  committed: { sign: '✔', format: 'green' },
  unchanged: { sign: '=', format: 'dim' },
  staged: { sign: '◌', format: 'cyan' },
  'rolled-back': { sign: '↩', format: 'yellow' },
  refused: { sign: '✖', format: 'red' },
  cancelled: { sign: '✖', format: 'yellow' },
  stuck: { sign: '‼', format: 'red' },
  unreachable: { sign: '?', format: 'red' },
  'not-followed': { sign: '?', format: 'yellow' },
  'not-started': { sign: '✖', format: 'red' }
} as const satisfies Record<Outcome, { sign: string; format: Cell['format'] }>

/** What an operator can do next, by outcome. */
const advice: Partial<Record<Outcome, string>> = {
  staged:
    'What is staged waits for a reboot. On the host: belay-agent reboot, and from a new session belay-agent confirm; belay-agent rollback gives it up',
  'rolled-back': 'The host runs its old generation again. Its journal: belay-agent log',
  stuck: 'The rollback failed and is being tried again. Log in and look: belay-agent status',
  unreachable: 'Look again in a while: belay status',
  'not-followed': 'The hosts go on by themselves; what nobody confirms is rolled back. See: belay status'
}

/** The end of a deployment: a table, then each long reason in full, then what to do. */
export function resultsView(results: readonly HostResult[], paint: Paint): string {
  const rows = results.map((result): Cell[] => {
    const { sign, format } = outcomeLook[result.outcome]
    return [
      { text: result.host },
      { text: `${sign} ${result.outcome}`, format },
      { text: duration(result.seconds) },
      { text: result.storePath === null ? '-' : cut(shortPath(result.storePath), 40) },
      { text: [result.code, cut(firstLine(result.reason), 100)].filter(Boolean).join(': ') }
    ]
  })
  const long = results.filter((result) => result.reason.includes('\n') || result.reason.length > 100)
  const reasons = long.map((result) => {
    const text = result.reason.split('\n').map((line) => `  ${clean(line)}`)
    return `\n${paint('bold', `${result.host}: ${result.code ?? result.outcome}`)}\n${text.join('\n')}\n`
  })
  const hints = Object.entries(advice)
    .filter(([outcome]) => results.some((result) => result.outcome === outcome))
    .map(([, text]) => `${text}\n`)
  // What is staged is as it was asked for, and runs only after its reboot.
  const good = results.filter(({ outcome }) => outcomes[outcome] && outcome !== 'staged').length
  const sum = `${good} of ${results.length} ${results.length === 1 ? 'host runs' : 'hosts run'} the new generation.\n`
  const body = table(['HOST', 'RESULT', 'TIME', 'GENERATION', 'REASON'], rows, paint)
  return `\n${body}${reasons.join('')}\n${paint('bold', sum)}${hints.join('')}`
}
