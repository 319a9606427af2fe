import type { PlannedHost, RolloutPlan } from '../../shared/api/rollout.ts'
import { isTerminal } from '../../shared/operation/phase.ts'
import type { Look } from './host-look.ts'
import { lookAt } from './host-look.ts'
import { judgeOf } from './judge.ts'
import type { Observations } from './observation.ts'
import type { Open } from './open-stages.ts'
import { openStages } from './open-stages.ts'
import type { Reason } from './reasons.ts'
import { dated } from './reasons.ts'
import type { RolloutEvent } from './records.ts'
import type { RolloutState } from './state.ts'
import { freshHost } from './state.ts'
import type { HostView, RolloutStatus, StageView } from './views.ts'
import { statusOf } from './views.ts'

/** Something to do on a host. `follow`: an operation is under way that nobody here is following. */
export type Action =
  | {
      readonly do: 'start'
      readonly host: string
      readonly attempt: number
      /** A person has asked for it: then also what the host has marked bad. */
      readonly again: boolean
      readonly overDrift: boolean
    }
  | { readonly do: 'follow'; readonly host: string; readonly operation: string }

/** What a round comes to. */
export interface Decision {
  /** To be recorded before anything is done. */
  readonly learned: readonly RolloutEvent[]
  readonly actions: readonly Action[]
  readonly hosts: readonly HostView[]
  readonly stages: readonly StageView[]
  readonly status: RolloutStatus
  /** Gates to look at before the next round. */
  readonly gates: readonly string[]
  /** When time alone changes something, milliseconds since 1970. */
  readonly wakeAt: number | null
}

/** What is decided from. */
export interface Situation {
  readonly plan: RolloutPlan
  readonly state: RolloutState
  readonly seen: Observations
  /** The reasons of the last round, for since when. */
  readonly before: ReadonlyMap<string, Reason>
  readonly now: number
}

/** Decides what is done next, and why every other host waits. Pure. */
export function decide(situation: Situation): Decision {
  const { plan, state, seen, now } = situation
  const reboots = new Set(plan.stages.flatMap(({ name, reboot }) => (reboot ? [name] : [])))
  const looks = new Map(
    plan.hosts.map((host) => {
      const when = { now, reboots: reboots.has(host.stage) }
      return [host.name, lookAt(host, state.hosts.get(host.name) ?? freshHost, seen, when)]
    })
  )
  const open = openStages(situation, looks)
  const judge = judgeOf(situation, looks, open)
  const wakes: number[] = open.wakeAt === null ? [] : [open.wakeAt]
  const actions: Action[] = []
  const hosts = inStageOrder(plan).map((host): HostView => {
    const look = looks.get(host.name)
    const attempt = state.hosts.get(host.name)?.attempt ?? 1
    if (look?.is === 'moving' && look.because?.code !== 'waiting-for-reboot') {
      const operation = seen.hosts.get(host.name)?.operation ?? null
      if (operation !== null && !isTerminal(operation.phase) && !seen.active.has(host.name)) {
        actions.push({ do: 'follow', host: host.name, operation: operation.id })
      }
      const reason = look.because === null ? null : dated(look.because, situation.before.get(host.name), now)
      return { host: host.name, stage: host.stage, is: 'moving', attempt, reason, soakUntil: null }
    }
    const verdict = look?.is === 'ready' ? judge(host) : { because: look?.because ?? null, wakeAt: null }
    if (verdict.wakeAt !== null) wakes.push(verdict.wakeAt)
    if (look?.is === 'ready' && verdict.because === null) {
      const { again, overDrift } = state.hosts.get(host.name) ?? freshHost
      actions.push({ do: 'start', host: host.name, attempt, again, overDrift })
      return { host: host.name, stage: host.stage, is: 'moving', attempt, reason: null, soakUntil: null }
    }
    const reason =
      verdict.because === null ? null : dated(verdict.because, situation.before.get(host.name), now)
    return {
      host: host.name,
      stage: host.stage,
      is: viewOf(look),
      attempt,
      reason,
      soakUntil: soakOf(look)
    }
  })
  const learned = [...looks.values()].flatMap((look) => look.learned)
  const events: RolloutEvent[] = [
    ...learned,
    ...(state.alerted === null && state.end === null ? open.fired : []),
    ...open.passes.map((stage) => ({ kind: 'stage-passed' as const, stage }))
  ]
  const status = statusOf(situation, hosts, open.current === null)
  if (status.is === 'done' && state.end === null) events.push({ kind: 'finished' })
  return {
    learned: events,
    actions: state.end === null ? actions : [],
    hosts,
    stages: stageViews(plan, looks, open),
    status,
    gates: [...open.gates],
    wakeAt: wakes.length === 0 ? null : Math.min(...wakes)
  }
}

const viewOf = (look: Look | undefined): HostView['is'] =>
  look === undefined || look.is === 'absent' || look.is === 'ready' || look.is === 'moving'
    ? 'waiting'
    : look.is

function soakOf(look: Look | undefined): string | null {
  const until = look?.soak?.untilMs ?? null
  return until === null ? null : new Date(until).toISOString()
}

function inStageOrder(plan: RolloutPlan): PlannedHost[] {
  const byName = new Map(plan.hosts.map((host) => [host.name, host]))
  return plan.stages.flatMap((stage) => stage.hosts.flatMap((name) => byName.get(name) ?? []))
}

function stageViews(plan: RolloutPlan, looks: ReadonlyMap<string, Look>, open: Open): StageView[] {
  const members = Map.groupBy(plan.hosts, (host) => host.stage)
  return plan.stages.map((stage, at) => {
    const hosts = members.get(stage.name) ?? []
    return {
      name: stage.name,
      is: at < open.at ? 'passed' : at === open.at ? 'open' : 'later',
      done: hosts.filter(({ name }) => looks.get(name)?.is === 'done').length,
      total: hosts.length,
      because: at === open.at ? (open.look?.because ?? null) : null
    }
  })
}
