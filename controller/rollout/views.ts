import type { Situation } from './decide.ts'
import type { Because, Reason, ReasonCode } from './reasons.ts'

/** One host of a rollout, for people. */
export interface HostView {
  readonly host: string
  readonly stage: string
  readonly is: 'done' | 'moving' | 'waiting' | 'regressed' | 'skipped'
  readonly attempt: number
  /** Null for hosts that have arrived, and for those that move and answer. */
  readonly reason: Reason | null
  readonly soakUntil: string | null
}

/** One stage of a rollout, for people. */
export interface StageView {
  readonly name: string
  readonly is: 'passed' | 'open' | 'later'
  readonly done: number
  readonly total: number
  /** What the open stage waits for. */
  readonly because: Because | null
}

/** The whole rollout. */
export interface RolloutStatus {
  readonly is: 'running' | 'waiting' | 'halted' | 'paused' | 'done' | 'aborted' | 'superseded'
  /** Who can change it: a person, time, or hosts that come back. */
  readonly needs: 'person' | 'time' | 'hosts' | null
}

/** Reasons that only a person can end. */
const personal: readonly ReasonCode[] = [
  'waiting-for-approval',
  'checklist-incomplete',
  'held',
  'halted',
  'alert-firing',
  'waiting-for-reboot',
  'paused',
  'waiting-for-verdict'
]

/** Sums a round up. */
export function statusOf(
  { state }: Situation,
  hosts: readonly HostView[],
  allPassed: boolean
): RolloutStatus {
  if (state.end !== null) return { is: state.end.kind === 'finished' ? 'done' : state.end.kind, needs: null }
  const moving = hosts.some((host) => host.is === 'moving')
  if (hosts.some((host) => host.is === 'regressed')) {
    return { is: moving ? 'running' : 'halted', needs: moving ? null : 'person' }
  }
  if (state.alerted !== null) return { is: moving ? 'running' : 'halted', needs: moving ? null : 'person' }
  if (moving) return { is: 'running', needs: null }
  if (allPassed && hosts.every(({ is }) => is === 'done' || is === 'skipped'))
    return { is: 'done', needs: null }
  if (state.paused !== null) return { is: 'paused', needs: 'person' }
  return { is: 'waiting', needs: needsOf(hosts) }
}

function needsOf(hosts: readonly HostView[]): RolloutStatus['needs'] {
  const codes = hosts.flatMap(({ reason }) => reason?.code ?? [])
  const timely: readonly ReasonCode[] = [
    'waiting-for-soak',
    'waiting-for-window',
    'backing-off',
    'gate-failing',
    'busy'
  ]
  if (codes.some((code) => timely.includes(code))) return 'time'
  if (codes.some((code) => personal.includes(code))) return 'person'
  // The last stage soaks with nobody behind it.
  return codes.length === 0 ? 'time' : 'hosts'
}
