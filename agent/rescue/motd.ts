import { clean } from '../../shared/clean.ts'
import type { Plan } from './plan.ts'

/** What a person has to be told at login. */
export interface LoginState {
  readonly hostName: string
  /** The operation whose rollback failed. */
  readonly stuck: { readonly id: string; readonly reason: string | null } | null
  /** Operations whose journals cannot be read. */
  readonly unreadable: readonly string[]
  readonly plan: Plan | null
  /** What is left when nothing else is. */
  readonly lastResort: string
  /** The rescue script, where there is one. */
  readonly script: string | null
}

/** The message at login while a person is needed; null while none is. */
export function motd(state: LoginState): string | null {
  const { hostName, stuck, unreadable, plan, lastResort } = state
  if (stuck === null && unreadable.length === 0) return null
  const lines = [`*** belay: ${clean(hostName)} needs a person ***`, '']
  if (stuck !== null)
    lines.push(
      `The rollback of operation ${stuck.id} has failed and is tried again and again:`,
      `  ${clean(stuck.reason ?? 'nobody knows why')}`,
      `More: belay-agent log ${stuck.id}`
    )
  for (const id of unreadable)
    lines.push(`The journal of operation ${id} cannot be read; nothing is activated until it is moved away.`)
  lines.push('', ...(plan === null ? [`No way back is known here: ${lastResort}.`] : wayBack(state, plan)))
  return `${lines.join('\n')}\n`
}

function wayBack({ stuck, script, lastResort }: LoginState, plan: Plan): readonly string[] {
  return [
    stuck !== null || plan.needed
      ? 'The way back, as root:'
      : 'If this host is not as it should be, the way back, as root:',
    ...(script === null ? [] : [`  sh ${script}`, 'or by hand, line after line:']),
    ...plan.steps.map(({ command }) => `  ${command}`),
    `or ${lastResort}.`,
    'More: belay-agent rescue'
  ]
}
