import type { HomeBaseline } from './observation.ts'
import type { AttemptEnd, RolloutRecord } from './records.ts'

/** What is known of one host from the records. */
export interface HostState {
  /** From 1. */
  readonly attempt: number
  readonly started: { readonly at: string; readonly key: string; readonly before: string | null } | null
  readonly failed: {
    readonly end: AttemptEnd | 'drifted'
    readonly text: string
    readonly at: string
  } | null
  readonly doneSince: string | null
  /** What it ran before, by its own record. */
  readonly baseline: string | null
  /** The same of the homes that moved with it. */
  readonly homes: readonly HomeBaseline[]
  /** It was on for as long as it is to be watched. */
  readonly soaked: boolean
  readonly skipped: { readonly who: string; readonly why: string | null } | null
  /** An operation that a person has seen and wants no more held against the host. */
  readonly dismissed: string | null
  /** A person wants another attempt, also of what the host has marked bad. */
  readonly again: boolean
  /** A person wants the generation back although somebody switched by hand. */
  readonly overDrift: boolean
  readonly failures: number
  readonly backOff: { readonly until: string; readonly text: string; readonly code: string } | null
}

/** A rollout as its records tell it. */
export interface RolloutState {
  readonly hosts: ReadonlyMap<string, HostState>
  readonly approved: ReadonlyMap<string, string>
  readonly passed: ReadonlySet<string>
  readonly paused: { readonly who: string; readonly why: string | null } | null
  /** Alerts that have fired since a person last went on. */
  readonly alerted: { readonly stage: string; readonly text: string } | null
  /** Alerts that a person has seen, and has gone on all the same. */
  readonly tolerated: ReadonlySet<string>
  readonly end: {
    readonly kind: 'finished' | 'aborted' | 'superseded'
    readonly who: string
    readonly why: string | null
    readonly by: string | null
  } | null
}

/** A host of which nothing is known. */
export const freshHost: HostState = {
  attempt: 1,
  started: null,
  failed: null,
  doneSince: null,
  baseline: null,
  homes: [],
  soaked: false,
  skipped: null,
  dismissed: null,
  again: false,
  overDrift: false,
  failures: 0,
  backOff: null
}

/** Folds the records of a rollout. */
export function foldRecords(records: Iterable<RolloutRecord>): RolloutState {
  const hosts = new Map<string, HostState>()
  const approved = new Map<string, string>()
  const passed = new Set<string>()
  const tolerated = new Set<string>()
  let firing: readonly string[] = []
  let alerted: RolloutState['alerted'] = null
  let paused: RolloutState['paused'] = null
  let end: RolloutState['end'] = null
  for (const record of records) {
    const { event, who, why } = record
    if ('host' in event) hosts.set(event.host, nextHost(hosts.get(event.host) ?? freshHost, record))
    else if (event.kind === 'approved') {
      approved.set(event.stage, who)
      for (const name of event.hosts ?? []) {
        const host = hosts.get(name)
        if (host !== undefined) hosts.set(name, { ...host, backOff: null, failures: 0 })
      }
    } else if (event.kind === 'stage-passed') passed.add(event.stage)
    else if (event.kind === 'paused') paused = { who, why }
    else if (event.kind === 'alert-fired') {
      alerted = { stage: event.stage, text: event.text }
      firing = [...firing, ...event.firing]
    } else if (event.kind === 'resumed') {
      paused = null
      alerted = null
      for (const each of firing) tolerated.add(each)
      firing = []
    } else if (event.kind === 'superseded') end = { kind: event.kind, who, why, by: event.by }
    else if (event.kind === 'finished' || event.kind === 'aborted')
      end = { kind: event.kind, who, why, by: null }
  }
  return { hosts, approved, passed, paused, alerted, tolerated, end }
}

function nextHost(host: HostState, { at, who, why, event }: RolloutRecord): HostState {
  switch (event.kind) {
    case 'started':
      return { ...host, started: { at, key: event.key, before: event.before }, backOff: null }
    case 'not-begun':
      return {
        ...host,
        started: event.asked ? host.started : null,
        failures: host.failures + 1,
        backOff: { until: event.retryAt, text: event.text, code: event.code }
      }
    case 'key-known':
      return { ...host, attempt: host.attempt + 1, started: null }
    case 'failed':
      return { ...host, failed: { end: event.end, text: event.text, at }, doneSince: null, soaked: false }
    case 'drifted':
      return {
        ...host,
        failed: { end: 'drifted', text: `it runs ${event.running ?? 'something else'}`, at },
        doneSince: null,
        soaked: false
      }
    case 'done':
      return {
        ...host,
        doneSince: event.since,
        baseline: event.baseline ?? null,
        homes: event.homes ?? [],
        failed: null,
        failures: 0,
        backOff: null
      }
    case 'soaked':
      return { ...host, soaked: true }
    case 'skipped':
      return { ...host, skipped: { who, why } }
    case 'retried':
      return {
        ...freshHost,
        attempt: host.attempt + 1,
        dismissed: event.operation,
        again: true,
        overDrift: event.overDrift
      }
    default:
      return host
  }
}
