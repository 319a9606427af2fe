import type { PlannedAlerts, PlannedGate, PlannedStage } from '../../shared/api/rollout.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import type { Alerts, Gate, RolloutPolicy, Selector, Stage } from '../inventory/rollout-schema.ts'
import { secondsOf } from '../inventory/words.ts'
import type { Order } from './order.ts'
import { levels } from './order.ts'

/** Where a host stands, and why. */
export interface Placed {
  readonly stage: string
  readonly why: readonly string[]
}

/** The stage of hosts that none selects; a stage of this name may say how they are treated. */
const REST = 'rest'

/** Seconds that a gate has when it does not say. */
const GATE_TIMEOUT = 60

/** Seconds that an engine has to tell its alerts when it is not said. */
const ALERTS_TIMEOUT = 10

/** Gives every host its stage: the first that selects it, or, without stages, its place in the order. */
export function placeHosts(
  hosts: readonly FleetHost[],
  policy: RolloutPolicy,
  order: Order
): ReadonlyMap<string, Placed> {
  if (policy.stages === undefined) return byLevel(hosts, order)
  const stages = policy.stages
  return new Map(
    hosts.map((host) => {
      for (const stage of stages) {
        const why = matches(host, stage.select)
        if (why !== null) return [host.name, { stage: stage.name, why: [why] }]
      }
      return [host.name, { stage: REST, why: ['no stage selects it, so it comes last'] }]
    })
  )
}

function byLevel(hosts: readonly FleetHost[], order: Order): ReadonlyMap<string, Placed> {
  const level = levels(hosts, order)
  return new Map(
    hosts.map(({ name }) => {
      const steps = level.get(name) ?? 0
      const why =
        steps === 0
          ? 'nothing comes before it'
          : `${steps} ${steps === 1 ? 'step' : 'steps'} of the order come before it`
      return [name, { stage: `step-${steps + 1}`, why: [why] }]
    })
  )
}

/** Why the selector takes the host, or null when it does not. */
export function matches(host: FleetHost, { hosts, roles, tags, platforms }: Selector): string | null {
  const reasons: string[] = []
  const must = (wanted: readonly string[] | undefined, has: readonly string[], what: string) => {
    if (wanted === undefined) return true
    const found = wanted.find((each) => has.includes(each))
    if (found !== undefined) reasons.push(`${what} ${found}`)
    return found !== undefined
  }
  const taken =
    must(hosts, [host.name], 'its name is') &&
    must(roles, host.roles, 'it has the role') &&
    must(tags, host.tags, 'it has the tag') &&
    must(platforms, [host.platform], 'its platform is')
  if (!taken) return null
  return reasons.length === 0 ? 'the stage takes all that are left' : reasons.join(' and ')
}

/** The stages that have hosts, in order. */
export function stagesOf(placed: ReadonlyMap<string, Placed>, policy: RolloutPolicy): PlannedStage[] {
  const hostsOf = Map.groupBy(placed, ([, { stage }]) => stage)
  const given = policy.stages ?? []
  const own = given.map((stage) => ({ stage, why: 'the policy says so' }))
  const others = [...hostsOf.keys()]
    .filter((name) => !given.some((stage) => stage.name === name))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((name) => ({
      stage: { name, select: {} } as Stage,
      why: name === REST ? 'hosts that no stage selects come last' : 'derived from the order'
    }))
  return [...own, ...others].flatMap(({ stage, why }) => {
    const hosts = (hostsOf.get(stage.name) ?? []).map(([name]) => name)
    return hosts.length === 0 ? [] : [plannedStage(stage, hosts, why, policy.alerts ?? [])]
  })
}

function plannedStage(
  stage: Stage,
  hosts: string[],
  why: string,
  everywhere: readonly Alerts[]
): PlannedStage {
  const alerts = [...everywhere, ...(stage.alerts ?? [])].map(plannedAlerts)
  return {
    name: stage.name,
    hosts,
    maxParallel: stage.maxParallel ?? 1,
    approval: stage.approval ?? false,
    windows: (stage.windows ?? []).map((window) => ({
      ...window,
      ...(window.days ? { days: [...window.days] } : {})
    })),
    soakSeconds: stage.soak === undefined ? 0 : secondsOf(stage.soak),
    verdict: stage.verdict ?? 'none',
    away: stage.away ?? 'leave',
    gatesBefore: (stage.gatesBefore ?? []).map(plannedGate),
    gatesAfter: (stage.gatesAfter ?? []).map(plannedGate),
    ...(alerts.length === 0 ? {} : { alerts }),
    ...(stage.mode === undefined ? {} : { mode: stage.mode }),
    ...(stage.reboot === undefined ? {} : { reboot: stage.reboot }),
    why: [why]
  }
}

function plannedGate({ name, command, timeout }: Gate): PlannedGate {
  return {
    name,
    command: [...command],
    timeoutSeconds: timeout === undefined ? GATE_TIMEOUT : secondsOf(timeout)
  }
}

function plannedAlerts({ name, url, match, query, timeout }: Alerts): PlannedAlerts {
  return {
    name,
    url,
    ...(match === undefined ? {} : { match: { ...match } }),
    ...(query === undefined ? {} : { query }),
    timeoutSeconds: timeout === undefined ? ALERTS_TIMEOUT : secondsOf(timeout)
  }
}
