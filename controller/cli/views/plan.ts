import type { Plan } from '../../../shared/api/plan.ts'
import { clean } from '../../../shared/clean.ts'
import { humanPlan } from '../../../shared/plan/human.ts'
import { markdownPlan } from '../../../shared/plan/markdown.ts'
import type { HostDone } from '../commands/build.ts'
import type { Paint } from './text.ts'

/** How the plans are shown. */
export interface PlansOptions {
  readonly markdown?: true
  readonly all?: true
  readonly columns: number
  readonly paint: Paint
}

/** The plans of the hosts, one below the other, and why there is none of a host. */
export function plansView(
  hosts: readonly HostDone<{ readonly plan: Plan }>[],
  options: PlansOptions
): string {
  const { markdown, all = false, columns, paint } = options
  const parts = hosts.map((done) => {
    if (done.ok) return markdown ? markdownPlan(done.plan) : humanPlan(done.plan, { paint, columns, all })
    const lines = done.message.split('\n').map(clean)
    if (markdown)
      return `### ${clean(done.host)}: no plan (${done.code})\n\n${lines.map((l) => `    ${l}`).join('\n')}`
    return `${paint('bold', clean(done.host))}  ${paint('red', `no plan: ${done.code}`)}\n  ${lines.join('\n  ')}`
  })
  return `${parts.join(markdown ? '\n\n' : `\n\n${paint('dim', '─'.repeat(columns))}\n\n`)}\n`
}
