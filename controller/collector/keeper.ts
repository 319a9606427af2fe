import type { HostState, HostSummary, HostVerdictSummary } from '../../shared/api/controller.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import type { ControllerStore, StoredEvent, StoredHost } from '../store/controller-store.ts'
import { keptState } from '../transport/answers.ts'
import { operationNews, summaryOf } from './look.ts'

/** Something that happened on a host. */
export type HostEvent = Omit<StoredEvent, 'seq' | 'rollout'> & { readonly host: string }

/** Events that wait for a disk that takes nothing; the oldest are given up first. */
const MAX_WAITING = 10_000

/** Keeps what hosts say: a summary of each in memory, all of it in the store, written in one step for many hosts. */
export class Keeper {
  readonly #store: Pick<ControllerStore, 'hosts' | 'host' | 'saveHosts'>
  readonly #now: () => number
  readonly #onEvent: (event: HostEvent) => void
  readonly #summaries = new Map<string, HostSummary>()
  readonly #verdicts = new Map<string, HostVerdictSummary>()
  readonly #positions = new Map<string, string | null>()
  readonly #pending = new Map<string, StoredHost>()
  #news: HostEvent[] = []

  constructor(
    store: Pick<ControllerStore, 'hosts' | 'host' | 'saveHosts'>,
    now: () => number,
    onEvent: (event: HostEvent) => void
  ) {
    this.#store = store
    this.#now = now
    this.#onEvent = onEvent
  }

  get summaries(): ReadonlyMap<string, HostSummary> {
    return this.#summaries
  }

  get verdicts(): ReadonlyMap<string, HostVerdictSummary> {
    return this.#verdicts
  }

  /** All that a host said last, also by what waits to be written. */
  stateOf(host: string): HostState | null {
    return (this.#pending.get(host)?.state as HostState) ?? keptState(this.#store.host(host)?.state)
  }

  /** The last event of the host that was taken in. */
  positionOf(host: string): string | null {
    return this.#positions.get(host) ?? null
  }

  /** Takes up what was known before a restart, of the hosts that still are. */
  load(hosts: ReadonlyMap<string, FleetHost>): void {
    for (const stored of this.#store.hosts()) {
      const host = hosts.get(stored.host)
      if (host === undefined) continue
      // What was kept may be of another version, or not what a host says at all: then it is to be heard anew.
      const known = { ...stored, state: keptState(stored.state) }
      this.#summaries.set(host.name, summaryOf(host, known, false))
      this.#positions.set(host.name, stored.position)
      if (stored.verdict !== null) this.#verdicts.set(host.name, stored.verdict as HostVerdictSummary)
    }
  }

  /** Forgets hosts that are no more in the fleet. */
  forget(hosts: ReadonlyMap<string, FleetHost>): void {
    for (const known of [this.#summaries, this.#verdicts, this.#positions, this.#pending]) {
      for (const name of known.keys()) if (!hosts.has(name)) known.delete(name)
    }
  }

  /** A host answered. */
  answered(host: FleetHost, state: HostState, streaming: boolean): void {
    const { name } = host
    if (this.#summaries.get(name)?.answers !== true) {
      this.#tell('host-answers', name, { agentVersion: state.host.agentVersion })
    }
    // A connection that is open tells each step of an operation by itself.
    for (const { id, phase, reason } of streaming ? [] : operationNews(this.stateOf(name), state)) {
      this.#tell('operation', name, { operation: id, phase, message: reason })
    }
    const [at, position] = [this.#now(), this.positionOf(name)]
    const next = { host: name, lookedAt: at, answeredAt: at, error: null, position, state, verdict: null }
    this.#save(next)
    const verdict = this.#verdicts.get(name)?.verdict ?? null
    this.#summaries.set(name, { ...summaryOf(host, next, streaming), verdict })
  }

  /** A host did not answer. What it said before is kept. */
  silent(host: FleetHost, error: string): void {
    const { name } = host
    const before = this.#summaries.get(name) ?? summaryOf(host, null, false)
    if (before.answers !== false) this.#tell('host-silent', name, { error })
    const answeredAt = before.answeredAt === null ? null : Date.parse(before.answeredAt)
    const lookedAt = this.#now()
    const position = this.positionOf(name)
    this.#save({ host: name, lookedAt, answeredAt, error, position, state: null, verdict: null })
    const looked = new Date(lookedAt).toISOString()
    this.#summaries.set(name, { ...before, answers: false, lookedAt: looked, error, streaming: false })
  }

  /** An event that an agent sent. */
  heard(host: string, position: string, data: unknown): void {
    this.#positions.set(host, position)
    this.#tell('operation', host, data)
  }

  /** A verdict on a host. */
  judged(host: FleetHost, verdict: HostVerdictSummary): void {
    const { name } = host
    const before = this.#verdicts.get(name)
    this.#verdicts.set(name, verdict)
    const summary = this.#summaries.get(name)
    if (summary !== undefined) this.#summaries.set(name, { ...summary, verdict: verdict.verdict })
    if (before?.verdict !== verdict.verdict || before.storePath !== verdict.storePath) {
      this.#tell('verdict', name, verdict)
    }
    const last = this.#pending.get(name) ?? this.#store.host(name)
    if (last !== null) this.#save({ ...last, verdict })
  }

  /** Brings what waits to the disk. Throws when that fails; it then still waits. */
  flush(): void {
    if (this.#pending.size === 0 && this.#news.length === 0) return
    this.#store.saveHosts(
      this.#pending.values(),
      this.#news.map((event) => ({ ...event, rollout: null }))
    )
    this.#pending.clear()
    this.#news = []
  }

  /** What is not said anew stays as it waits to be written. */
  #save(next: StoredHost): void {
    const before = this.#pending.get(next.host)
    const state = next.state ?? before?.state ?? null
    this.#pending.set(next.host, { ...next, state, verdict: next.verdict ?? before?.verdict ?? null })
  }

  #tell(kind: string, host: string, data: unknown): void {
    const event = { at: new Date(this.#now()).toISOString(), kind, host, data }
    this.#news.push(event)
    if (this.#news.length > MAX_WAITING) this.#news.shift()
    this.#onEvent(event)
  }
}
