import type { PlannedHost, RolloutPlan } from '../../shared/api/rollout.ts'
import { codeOf, describeError } from '../../shared/errors.ts'
import type { Clock } from '../deploy/clock.ts'
import type { Store } from '../store/store.ts'
import type { Action, Decision, Situation } from './decide.ts'
import { decide } from './decide.ts'
import { LONGEST_BACK_OFF } from './judge.ts'
import { observer } from './observer.ts'
import type { Agents, Begun, LookAtAlerts, LookAtChecklist, LookAtGate, Manner } from './ports.ts'
import type { Reason } from './reasons.ts'
import type { RolloutEvent, RolloutRecord } from './records.ts'
import { foldRecords, freshHost } from './state.ts'
import { workers } from './workers.ts'

/** What the engine works with. */
export interface EnginePorts {
  readonly store: Store
  readonly agents: Agents
  readonly lookAtGate: LookAtGate
  readonly lookAtAlerts: LookAtAlerts
  /** Where it is missing, what a plan wants of a host counts as missing too. */
  readonly lookAtChecklist?: LookAtChecklist
  /** Why hosts are held at this moment. */
  readonly holds: () => Promise<ReadonlyMap<string, string>>
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Who drives, for the records. */
  readonly who: string
  /** Milliseconds between two looks at a host; each waits up to a quarter longer, so that they spread out. */
  readonly pollMs: number
  /** Hosts that are looked at at the same time. */
  readonly maxObserve: number
  /** Hosts that something else takes down at this moment. */
  readonly outside?: () => ReadonlySet<string>
}

/** Drives one rollout: observe, decide, act. Holds nothing that is not in the store or on the hosts. */
export interface Engine {
  /** One attempt: looks, decides, records, then acts. May be killed anywhere and made again. */
  round(): Promise<Decision>
  /** Resolves when work on a host has ended since the last round began. */
  news(): Promise<void>
  /** Hosts on which this process is at work. */
  readonly active: ReadonlySet<string>
  /** True while the first look at a host has not come back: what is decided about it is no more than that. */
  isBeginning(): boolean
  /** Waits for the work that is under way. */
  settle(): Promise<void>
}

/** The key under which a host knows an attempt: the same rollout, host and attempt are one operation. */
export function idempotencyKey(rollout: string, host: string, attempt: number): string {
  return `rollout/${rollout}/${host}/${attempt}`
}

/** First wait before a host that could not be asked is asked again, in milliseconds. */
const FIRST_BACK_OFF = 5000

/** An engine for a rollout of the store. */
export function createEngine(id: string, ports: EnginePorts): Engine {
  const plan = ports.store.plan(id)
  const hosts = new Map(plan.hosts.map((host) => [host.name, host]))
  const records: RolloutRecord[] = []
  const ring = () => bell.resolve()
  const crew = workers((host) => {
    watch.stale(host)
    ring()
  })
  const reasons = reasonsOf(ports.store, id)
  const save = saver(id, ports.store, reasons)
  let bell = Promise.withResolvers<void>()
  const watch = observer(plan, ports, ring)

  const append: Append = (events, after) =>
    ports.store.append(id, events, { at: iso(ports), who: ports.who, why: null }, after)
  const situation = (holds: ReadonlyMap<string, string>): Situation => {
    records.push(...ports.store.records(id, records.at(-1)?.seq))
    const seen = {
      hosts: watch.hosts,
      gates: watch.gates,
      holds,
      active: crew.active.union(watch.outdated),
      outside: ports.outside?.() ?? new Set<string>()
    }
    return { plan, state: foldRecords(records), seen, before: reasons, now: ports.clock.now() }
  }
  return {
    active: crew.active,
    isBeginning: watch.isBeginning,
    news: () => bell.promise,
    settle: crew.settle,
    async round() {
      for (;;) {
        crew.throwIfBroken()
        // What ends from here on is news to the round after this one.
        bell = Promise.withResolvers()
        const holds = await ports.holds()
        await watch.look()
        let now = situation(holds)
        let decision = decide(now)
        if (await watch.lookAtGates(decision.gates)) {
          now = situation(holds)
          decision = decide(now)
        }
        const events = [
          ...decision.learned,
          ...decision.actions.flatMap((action) => started(id, now, action))
        ]
        // A person may have said something meanwhile: then it is decided again.
        if (events.length > 0 && !append(events, records.at(-1)?.seq ?? 0)) continue
        for (const action of decision.actions) {
          const host = hosts.get(action.host)
          if (host === undefined) continue
          const { failures } = now.state.hosts.get(host.name) ?? freshHost
          const known = { failures, before: beforeOf(now, host.name) }
          watch.stale(host.name, 'later')
          crew.launch(host.name, () => act(plan, host, action, ports, append, known))
        }
        save(decision, watch.changed())
        return decision
      }
    }
  }
}

/** What was there before an attempt stays what it was when the attempt was first made. */
function beforeOf({ state, seen }: Situation, host: string): string | null {
  const first = state.hosts.get(host)?.started
  return first ? first.before : (seen.hosts.get(host)?.newest ?? null)
}

function started(id: string, now: Situation, action: Action): RolloutEvent[] {
  if (action.do === 'follow') return []
  const { host, attempt } = action
  const key = idempotencyKey(id, host, attempt)
  return [{ kind: 'started', host, attempt, key, before: beforeOf(now, host) }]
}

type Append = (events: readonly RolloutEvent[], after?: number) => boolean

async function act(
  plan: RolloutPlan,
  host: PlannedHost,
  action: Action,
  ports: EnginePorts,
  append: Append,
  { failures, before }: { readonly failures: number; readonly before: string | null }
): Promise<void> {
  const manner = mannerOf(plan, host)
  if (action.do === 'follow') return await ports.agents.follow(host, action.operation, manner, ports.signal)
  const key = idempotencyKey(plan.id, host.name, action.attempt)
  const request = {
    key,
    why: `rollout ${plan.id}, stage ${host.stage}`,
    again: action.again,
    overDrift: action.overDrift
  }
  const begun = await ports.agents
    .start(host, request, manner, ports.signal)
    .catch((error: unknown): Begun => {
      ports.signal.throwIfAborted()
      return {
        is: 'not-begun',
        asked: true,
        transient: true,
        code: codeOf(error),
        text: describeError(error)
      }
    })
  if (begun.is === 'begun') {
    const { operation } = begun
    // Identities sort by time. One of before our records were lost answers for ever, and nothing begins.
    const isOld = operation !== null && before !== null && operation <= before
    if (isOld) append([{ kind: 'key-known', host: host.name, operation }])
    return
  }
  const { code, text, asked } = begun
  if (!begun.transient) {
    append([{ kind: 'failed', host: host.name, end: 'refused', code, text, operation: null }])
    return
  }
  const full = Math.min(LONGEST_BACK_OFF, FIRST_BACK_OFF * 2 ** Math.min(failures, 16))
  const wait = Math.round(full * (0.5 + ports.clock.random() / 2))
  const retryAt = new Date(ports.clock.now() + wait).toISOString()
  append([{ kind: 'not-begun', host: host.name, code, text, asked, retryAt }])
}

function mannerOf(plan: RolloutPlan, host: PlannedHost): Manner {
  const stage = plan.stages.find(({ name }) => name === host.stage)
  return {
    revision: plan.revision,
    mode: stage?.mode ?? null,
    reboot: stage?.reboot ?? false,
    back: plan.rollbackOf !== undefined
  }
}

/** Saves what people are shown, as far as it changed. */
function saver(id: string, store: Store, reasons: Map<string, Reason>) {
  const saved = new Map<string, string>()
  return (decision: Decision, seen: Parameters<Store['saveRound']>[2]) => {
    const views = new Map<string, unknown>()
    const set = (name: string, view: unknown) => {
      const text = JSON.stringify(view)
      if (saved.get(name) === text) return
      saved.set(name, text)
      views.set(name, view)
    }
    set('status', decision.status)
    set('stages', decision.stages)
    set('wakeAt', decision.wakeAt)
    for (const view of decision.hosts) {
      set(`host ${view.host}`, view)
      if (view.reason === null) reasons.delete(view.host)
      else reasons.set(view.host, view.reason)
    }
    store.saveRound(id, views, seen)
  }
}

function reasonsOf(store: Store, id: string): Map<string, Reason> {
  const reasons = new Map<string, Reason>()
  for (const [name, view] of store.views(id)) {
    const { reason } = (name.startsWith('host ') ? view : { reason: null }) as { reason: Reason | null }
    if (reason !== null) reasons.set(name.slice('host '.length), reason)
  }
  return reasons
}

const iso = ({ clock }: EnginePorts) => new Date(clock.now()).toISOString()
