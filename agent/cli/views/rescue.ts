import { clean } from '../../../shared/clean.ts'
import type { Observed } from '../../operation/drift.ts'
import type { Progress, Rescued } from '../../rescue/carry-out.ts'
import type { Plan } from '../../rescue/plan.ts'

/** What could not be read. */
export const note = (text: string): string => `note: ${clean(text)}`

/** When nothing is known that could be switched to. */
export const noWay = (lastResort: string): string => `No way back is known here: ${lastResort}.`

/** Where it goes. */
export const goal = ({ target, chosen, why }: Plan): string =>
  `The way back: generation ${chosen.number}, ${target.storePath}\n  (${why})`

/** The whole page: what is, where to, and the commands. */
export function rescue(found: {
  readonly hostName: string
  readonly seen: Observed
  readonly unreadable: readonly string[]
  readonly plan: Plan
  readonly lastResort: string
  readonly script: string | null
}): string {
  const { hostName, seen, unreadable, plan, lastResort, script } = found
  return [
    `${clean(hostName)}: ${situation(plan, unreadable)}`,
    `  running    ${seen.running ?? 'unknown'}`,
    `  profile    ${seen.storePath ?? 'unknown'}${seen.number === null ? '' : ` (generation ${seen.number})`}`,
    `  next boot  ${seen.bootDefault ?? 'cannot be read here'}`,
    '',
    goal(plan),
    '',
    'As root, one after the other. What fails is no reason to stop: go on with the next.',
    ...plan.steps.flatMap(({ what, command }, i) => ['', `${i + 1}. ${what}`, '', `    ${command}`]),
    '',
    `Or in one: belay-agent rescue --run${plan.needed ? '' : ` --generation ${plan.chosen.number}`}`,
    ...(script === null ? [] : [`Without Node: sh ${script}`]),
    '',
    `If the last one fails, or nothing of this works: ${lastResort}.`,
    ...afterwards(plan, unreadable)
  ].join('\n')
}

function situation({ operation, needed }: Plan, unreadable: readonly string[]): string {
  if (operation !== null) {
    const reason = operation.reason === null ? '' : `: ${clean(operation.reason)}`
    const harmless = needed ? '' : '\n  It has changed nothing on this host yet.'
    return `operation ${operation.id} is ${operation.phase}${reason}${harmless}`
  }
  if (unreadable.length > 0) return `the journal of operation ${unreadable.join(', ')} cannot be read`
  return needed ? 'an operation has not ended' : 'no operation is on its way; this leaves what runs now'
}

function afterwards({ operation }: Plan, unreadable: readonly string[]): readonly string[] {
  return [
    ...(operation?.itsOwnWay ? ['', `Afterwards the agent closes operation ${operation.id} by itself.`] : []),
    ...unreadable.map(
      (id) => `Afterwards move operation ${id} out of the operations, or nothing is activated.`
    )
  ]
}

/** One event of a rescue that is carried out. */
export function progress(event: Progress): string {
  switch (event.type) {
    case 'command':
      return `\n+ ${event.command}`
    case 'output':
      return `    ${clean(event.line)}`
    case 'ended':
      return event.fine ? '  ok' : `  FAILED (${event.code ?? 'no exit code'}); going on`
    case 'note':
      return `  ${clean(event.text)}`
  }
}

/** How it ended. */
export function rescued({ ok, seen, left }: Rescued): string {
  return [
    '',
    ok ? 'This host is back.' : 'This host is NOT back yet.',
    `  running    ${seen.running ?? 'unknown'}`,
    `  profile    ${seen.storePath ?? 'unknown'}`,
    `  next boot  ${seen.bootDefault ?? 'cannot be read here'}`,
    ...(left.length === 0 ? [] : ['', 'Left to do:', ...left.map((line) => `  * ${clean(line)}`)])
  ].join('\n')
}
