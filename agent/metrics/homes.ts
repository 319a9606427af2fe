import type { Registry } from 'prom-client'
import { Counter, Gauge } from 'prom-client'
import { homeOf } from '../../shared/api/profile.ts'
import { isTerminal, phases } from '../../shared/operation/phase.ts'
import { partOf } from '../operation/parts.ts'
import type { OperationState } from '../operation/state.ts'
import { onceEnded } from './once-ended.ts'

/**
 * What the journals tell of homes, for the users of the configuration and nobody else. A home itself is not looked at for
 * a scrape: that takes a process of its user.
 */
export function homeMetrics(
  registry: Registry,
  users: readonly string[]
): (states: readonly OperationState[]) => void {
  if (users.length === 0) return () => {}
  const registers = [registry]
  const phase = new Gauge({
    name: 'belay_agent_home_operation_phase',
    help: "1 for the phase of the newest operation on a user's home",
    labelNames: ['user', 'phase'],
    registers
  })
  const deadline = new Gauge({
    name: 'belay_agent_home_confirm_deadline_timestamp_seconds',
    help: 'When the open confirm window of a home ends; 0 when none is open',
    labelNames: ['user'],
    registers
  })
  const ended = new Counter({
    name: 'belay_agent_home_operations_total',
    help: "Operations on a user's home that have ended since an hour before the first scrape of this agent",
    labelNames: ['user', 'kind', 'result'],
    registers
  })
  for (const user of users)
    for (const kind of ['activate', 'rollback'])
      for (const result of phases.filter(isTerminal)) ended.inc({ user, kind, result }, 0)
  const newlyEnded = onceEnded()
  return (states) => {
    const all = states.flatMap((state) =>
      users.flatMap((user) => {
        const part = partOf(state, homeOf(user))
        return part === null ? [] : [{ key: `${state.accepted.id} ${user}`, user, state, part }]
      })
    )
    for (const { user, state } of newlyEnded(all))
      ended.inc({ user, kind: state.accepted.kind, result: state.phase })
    const newest = new Map(all.map(({ user, part }) => [user, part]))
    for (const user of users) {
      const state = newest.get(user)
      for (const name of phases) phase.set({ user, phase: name }, state?.phase === name ? 1 : 0)
      const open = state?.phase === 'confirming' ? state.window : null
      deadline.set({ user }, open ? Date.parse(open.deadlineAt) / 1000 : 0)
    }
  }
}
