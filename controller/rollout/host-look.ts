import type { PlannedHost } from '../../shared/api/rollout.ts'
import { isTerminal } from '../../shared/operation/phase.ts'
import type { HostObservation, Observations } from './observation.ts'
import type { Because, ReasonCode } from './reasons.ts'
import type { AttemptEnd, RolloutEvent } from './records.ts'
import type { HostState } from './state.ts'

/** Milliseconds after which a host that was asked and then fell silent no longer counts as under way: its guard has
 * ended the activation long before. */
const LOST_AFTER = 30 * 60_000

/** Where one host stands by itself, before stages and limits are looked at. */
export interface Look {
  readonly is: 'done' | 'moving' | 'regressed' | 'skipped' | 'absent' | 'ready'
  readonly because: Because | null
  /** What was learned and is to be recorded. */
  readonly learned: readonly RolloutEvent[]
  readonly doneSince: string | null
  /** While it is still to be watched: until when, milliseconds since 1970; null while it is away, which counts for nothing. */
  readonly soak: { readonly untilMs: number | null } | null
}

/** Judges one host from what is recorded and what is seen. `reboots`: its stage reboots what is staged. */
export function lookAt(
  host: PlannedHost,
  state: HostState,
  seen: Observations,
  { now, reboots }: { readonly now: number; readonly reboots: boolean }
): Look {
  const observed = seen.hosts.get(host.name)
  const operation = observed?.reachable ? operationOf(state, observed) : null
  const end = operation === null ? null : endOf(operation.phase)
  if (seen.active.has(host.name)) return look('moving', cutOff(state, observed))
  if (operation?.phase === 'staged' && !reboots) return look('moving', staged(operation))
  if (operation !== null && end === null) return look('moving')
  if (state.skipped !== null) {
    const { who, why } = state.skipped
    return look('skipped', because('skipped', `${who} left it out${why ? `: ${why}` : ''}`, retry(host)))
  }
  if (observed === undefined || !observed.reachable) return unseen(host, state, seen, observed, now)
  if (observed.runsPlanned) return running(host, state, observed, now)
  if (state.doneSince !== null) return drifted(host, state, observed)
  if (end === 'committed' && state.started !== null) return drifted(host, state, observed)
  // Refused by what came before us: nothing was changed, so it may be asked.
  const counts = state.started !== null || end === 'rolled-back' || end === 'stuck'
  if (operation !== null && end !== null && end !== 'committed' && counts)
    return ended(host, state, operation, end)
  if (state.failed !== null) return failed(host, codeOf(state, state.failed.end), state.failed.text)
  return held(host, seen) ?? look('ready')
}

function look(is: Look['is'], why: Because | null = null, learned: readonly RolloutEvent[] = []): Look {
  return { is, because: why, learned, doneSince: null, soak: null }
}

function because(code: ReasonCode, text: string, unblock: string): Because {
  return { code, text, unblock }
}

const retry = (host: PlannedHost) => `belay rollout retry ${host.name}`

function held(host: PlannedHost, seen: Observations): Look | null {
  const hold = seen.holds.get(host.name)
  if (hold !== undefined)
    return look('absent', because('held', hold, `take the hold of ${host.name} out of the fleet file`))
  const own = seen.hosts.get(host.name)?.hold ?? null
  return own === null ? null : look('absent', because('held', own, `belay release ${host.name} --reason …`))
}

/** Runs the generation. The operation says since when, also to a controller that has lost its records. */
function running(host: PlannedHost, state: HostState, observed: HostObservation, now: number): Look {
  const { operation, verdict } = observed
  const since =
    state.doneSince ??
    (operation?.phase === 'committed'
      ? operation.updatedAt
      : new Date(Math.min(observed.at, now)).toISOString())
  const committed = operation?.phase === 'committed' ? operation : null
  const baseline = committed?.baseline ?? null
  const moved = committed?.homes ?? []
  const homes = moved.length === 0 ? {} : { homes: moved }
  const learned: RolloutEvent[] =
    state.doneSince === null ? [{ kind: 'done', host: host.name, since, baseline, ...homes }] : []
  const soak = soakOf(host, state, observed, since)
  if (soak !== null && soak.untilMs <= now) learned.push({ kind: 'soaked', host: host.name })
  if (verdict === 'no-go') {
    const text = 'the verdict on it is no-go'
    const unblock = 'read the verdict; then skip the host, or roll it back'
    return {
      is: 'regressed',
      because: because('no-go', text, unblock),
      learned,
      doneSince: since,
      soak: null
    }
  }
  return { is: 'done', because: null, learned, doneSince: since, soak }
}

/** When it has been watched for long enough: by the clock of the host, which stands while it is off, or by ours. */
function soakOf(
  { soakSeconds }: PlannedHost,
  { soaked }: HostState,
  observed: HostObservation,
  since: string
): { readonly untilMs: number } | null {
  if (soakSeconds === 0 || soaked) return null
  if (observed.soakSeconds === null) return { untilMs: Date.parse(since) + soakSeconds * 1000 }
  return { untilMs: observed.at + Math.ceil(soakSeconds - observed.soakSeconds) * 1000 }
}

function staged({ id }: { readonly id: string }): Because {
  const text = `operation ${id} has staged it`
  return because('waiting-for-reboot', text, 'a window of the host, or belay-agent reboot there')
}

/** Nobody answers: what was begun may still be under way. */
function unseen(
  host: PlannedHost,
  state: HostState,
  seen: Observations,
  observed: HostObservation | undefined,
  now: number
): Look {
  const { started, failed: end, doneSince } = state
  if (end !== null) return failed(host, codeOf(state, end.end), end.text)
  if (doneSince !== null) {
    const soak = host.soakSeconds === 0 || state.soaked ? null : { untilMs: null }
    return { is: 'done', because: null, learned: [], doneSince, soak }
  }
  if (started !== null && now - Date.parse(started.at) < LOST_AFTER)
    return look('moving', cutOff(state, observed))
  const onHold = held(host, seen)
  if (onHold !== null) return onHold
  if (observed === undefined) {
    return look('absent', because('unreachable', 'it has not been looked at yet', 'the next look at it'))
  }
  const why = observed.error ?? 'it does not answer'
  return host.presence === 'intermittent'
    ? look('absent', because('away', why, 'its return; it joins then'))
    : look(
        'absent',
        because('unreachable', why, `its agent answers, or belay rollout skip ${host.name} --reason …`)
      )
}

/** Begun, and nobody hears from it; what becomes of it is known when it answers. */
function cutOff({ started }: HostState, observed: HostObservation | undefined): Because | null {
  if (observed === undefined || observed.reachable) return null
  const begun = started === null ? 'it is under way' : `it was begun at ${started.at}`
  const text = `${begun} and does not answer: ${observed.error ?? 'no answer'}`
  return because('unreachable', text, 'its agent answers; without a confirmation it goes back by itself')
}

/** The operation that counts: of this attempt, or an older one that no person has dismissed. What has not ended counts
 * in any case: the host takes no other. */
function operationOf(state: HostState, { operation }: HostObservation): HostObservation['operation'] {
  if (operation === null || !isTerminal(operation.phase)) return operation
  if (operation.id === state.dismissed) return null
  // Identities sort by time: what is not newer than what was there before cannot be of this attempt.
  const before = state.started?.before ?? null
  return before !== null && operation.id <= before ? null : operation
}

function endOf(phase: string): AttemptEnd | 'committed' | null {
  if (phase === 'rolled-back' || phase === 'stuck') return phase
  if (phase === 'refused' || phase === 'cancelled') return 'refused'
  return phase === 'committed' ? 'committed' : null
}

function ended(
  host: PlannedHost,
  state: HostState,
  operation: NonNullable<HostObservation['operation']>,
  end: AttemptEnd
): Look {
  const text = operation.reason ?? operation.phase
  const judged = failed(host, codeOf(state, end), text)
  if (state.failed?.end === end) return judged
  const { id, code } = operation
  return { ...judged, learned: [{ kind: 'failed', host: host.name, end, code, text, operation: id }] }
}

/** What went back before this rollout asked anything of the host was known before. */
function codeOf(state: HostState, end: AttemptEnd | 'drifted'): ReasonCode {
  return end === 'rolled-back' && state.started === null ? 'known-bad' : end
}

function drifted(host: PlannedHost, state: HostState, observed: HostObservation): Look {
  const text = `it ran the generation, and now runs ${observed.running ?? 'something else'}`
  const event = { kind: 'drifted', host: host.name, running: observed.running } as const
  const told = state.failed?.end === 'drifted'
  return look('regressed', because('drifted', text, unblocked(host)), told ? [] : [event])
}

const unblocked = (host: PlannedHost) =>
  `${retry(host)}, belay rollout skip ${host.name} --reason …, or a plan with another generation`

function failed(host: PlannedHost, code: ReasonCode, text: string): Look {
  const unblock = code === 'stuck' ? `log in and look: ssh ${host.name} belay-agent rescue` : unblocked(host)
  return look('regressed', because(code, text, unblock))
}
