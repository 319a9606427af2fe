import { createHash } from 'node:crypto'
import type { PlannedHome, PlannedHost, PlannedStage, RolloutPlan } from '../../shared/api/rollout.ts'
import { BelayError } from '../../shared/errors.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import type { RolloutPolicy } from '../inventory/rollout-schema.ts'
import type { Order } from './order.ts'
import { findCycle } from './order.ts'
import { requirementOf } from './requirement.ts'
import type { Placed } from './stages.ts'
import { placeHosts, stagesOf } from './stages.ts'

/** What a plan is made from. */
export interface PlanRequest {
  readonly hosts: readonly FleetHost[]
  readonly policy: RolloutPolicy
  /** The built system of each host. */
  readonly storePaths: ReadonlyMap<string, string>
  /** What each host said that it would do; missing where it was not asked, a text where it could not say. */
  readonly plans?: ReadonlyMap<string, HostPlanned>
  /** The homes that move with the system of each host. */
  readonly homes?: ReadonlyMap<string, readonly PlannedHome[]>
  readonly revision: number
  readonly now: number
}

/** The hash of a host's plan, or why there is none. */
export type HostPlanned = { readonly hash: string } | { readonly problem: string }

/** Hosts that are changed at the same time when the policy does not say. */
const PARALLEL = 8

/** Makes the plan of a rollout. Pure: the same request gives the same plan. Throws `invalid-rollout`. */
export function planRollout(request: PlanRequest): RolloutPlan {
  const { hosts, policy } = request
  const order = orderOf(request)
  const cycle = findCycle(hosts, order)
  if (cycle !== null) throw invalid(`the order contradicts itself: ${cycle.join(' before ')}`, cycle)
  const placed = placeHosts(hosts, policy, order)
  const stages = stagesOf(placed, policy)
  const planned = hosts.map((host) => plannedHost(host, placed, stages, order, request))
  const rest = {
    version: 1 as const,
    revision: request.revision,
    createdAt: new Date(request.now).toISOString(),
    note: policy.note ?? null,
    maxParallel: policy.maxParallel ?? PARALLEL,
    stages,
    hosts: planned,
    order: [...order.roles],
    budgets: (policy.budgets ?? []).map(({ role, tag, maxUnavailable }) => ({
      by: role === undefined ? ('tag' as const) : ('role' as const),
      name: role ?? tag ?? '',
      maxUnavailable
    }))
  }
  checkStageOrder(rest, order)
  return { id: identityOf(rest), ...rest }
}

/** The identity of a plan: what is in it, so that a changed plan is another one. */
export function identityOf(plan: Omit<RolloutPlan, 'id'>): string {
  return `r-${createHash('sha256').update(JSON.stringify(plan)).digest('hex').slice(0, 12)}`
}

/**
 * True when both plans bring the same systems in the same order. Revision and time may differ, and what hosts said of
 * it: those that were changed meanwhile say something else.
 */
export function samePlan(a: RolloutPlan, b: RolloutPlan): boolean {
  const core = (plan: RolloutPlan) => {
    const hosts = plan.hosts.map(({ why: _, homes = [], ...host }) => ({
      ...{ ...host, planHash: null },
      homes: homes.map((home) => ({ ...home, planHash: null }))
    }))
    return JSON.stringify({ ...plan, id: '', revision: 0, createdAt: '', hosts })
  }
  return core(a) === core(b)
}

function orderOf({ hosts, policy }: PlanRequest): Order {
  const names = new Set(hosts.map(({ name }) => name))
  const edges = policy.order ?? []
  const known = (name: string) => names.has(name)
  return {
    roles: edges.flatMap(({ role, before }) => (role && before ? [{ role, before }] : [])),
    // A host that takes no part keeps nobody waiting.
    hosts: edges.flatMap(({ hosts: later = [], after = [] }) =>
      later.filter(known).flatMap((host) => after.filter(known).map((first) => ({ host, after: first })))
    )
  }
}

function plannedHost(
  host: FleetHost,
  placed: ReadonlyMap<string, Placed>,
  stages: readonly PlannedStage[],
  order: Order,
  request: PlanRequest
): PlannedHost {
  const place = placed.get(host.name)
  const stage = stages.find(({ name }) => name === place?.stage)
  const storePath = request.storePaths.get(host.name)
  if (place === undefined || stage === undefined || storePath === undefined) {
    throw invalid(`${host.name} has no system to bring`, host.name)
  }
  const soak = host.ownSoak === null ? [] : [`it soaks ${host.ownSoak.seconds} s: ${host.ownSoak.reason}`]
  const said = request.plans?.get(host.name)
  const unsaid = said !== undefined && 'problem' in said ? [`no plan of its own: ${said.problem}`] : []
  const after = order.hosts.filter((edge) => edge.host === host.name).map((edge) => edge.after)
  const homes = request.homes?.get(host.name) ?? []
  const stay = homes.length > 0 && (stage.mode ?? 'switch') !== 'switch'
  const staying = stay ? [`its homes stay as they are: none moves with mode ${stage.mode}`] : []
  const require = requirementOf(host, stage.name, request.policy)
  return {
    name: host.name,
    stage: stage.name,
    platform: host.platform,
    storePath,
    planHash: said !== undefined && 'hash' in said ? said.hash : null,
    ...(stay || homes.length === 0 ? {} : { homes: [...homes] }),
    roles: [...host.roles],
    tags: [...host.tags],
    presence: host.presence,
    windows: host.windows.map((window) => ({
      ...window,
      ...(window.days ? { days: [...window.days] } : {})
    })),
    soakSeconds: host.ownSoak?.seconds ?? stage.soakSeconds,
    after,
    ...(require === null ? {} : { require }),
    why: [...place.why, ...soak, ...after.map((name) => `it comes after ${name}`), ...unsaid, ...staying]
  }
}

/** Stages are the order; an edge may not ask for the opposite. */
function checkStageOrder(plan: Pick<RolloutPlan, 'stages' | 'hosts'>, order: Order): void {
  const index = new Map(plan.stages.map(({ name }, at) => [name, at]))
  const stageOf = new Map(plan.hosts.map((host) => [host.name, index.get(host.stage) ?? 0]))
  const at = (name: string) => stageOf.get(name) ?? 0
  for (const { host, after } of order.hosts) {
    if (at(after) <= at(host)) continue
    throw invalid(
      `${host} must come after ${after}, but its stage ${nameOf(plan, host)} comes before ${nameOf(plan, after)}`,
      { host, after }
    )
  }
  for (const { role, before } of order.roles) {
    const first = plan.hosts.filter(({ roles }) => roles.includes(role))
    const late = first.reduce<PlannedHost | undefined>(
      (most, host) => (most === undefined || at(host.name) > at(most.name) ? host : most),
      undefined
    )
    if (late === undefined) continue
    const early = plan.hosts.find(
      (host) => host.roles.includes(before) && !host.roles.includes(role) && at(host.name) < at(late.name)
    )
    if (early === undefined) continue
    throw invalid(
      `role ${role} must come before role ${before}, but ${early.name} is in stage ${early.stage} and ${late.name} only in ${late.stage}`,
      { role, before }
    )
  }
}

const nameOf = (plan: Pick<RolloutPlan, 'hosts'>, host: string) =>
  plan.hosts.find(({ name }) => name === host)?.stage

function invalid(message: string, found: unknown): BelayError {
  return new BelayError('invalid-rollout', message, { found, wanted: 'an order that can be followed' })
}
