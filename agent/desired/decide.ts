import type { Desired, DesiredPending, DesiredReason } from '../../shared/api/desired.ts'
import { foreignDrifts } from '../../shared/api/drift.ts'
import type { Hold } from '../../shared/api/hold.ts'
import type { ProfileState } from '../../shared/api/schemas.ts'
import { BelayError } from '../../shared/errors.ts'
import { isTerminal } from '../../shared/operation/phase.ts'
import type { MaintenanceWindow } from '../../shared/window.ts'
import { isOpen, nextOpening } from '../../shared/window.ts'
import { isItsFault } from '../operation/marks.ts'
import type { OperationState } from '../operation/state.ts'

/** What is decided from. */
export interface Situation {
  readonly desired: Desired
  /** The newest operation when it was taken in. */
  readonly after: string | null
  readonly reachedAt: string | null
  readonly profile: ProfileState
  /** All that are kept, oldest first. */
  readonly operations: readonly OperationState[]
  readonly hold: Hold | null
  /** Windows of the host's own configuration. */
  readonly windows: readonly MaintenanceWindow[]
  /** Why the path is marked bad, or null. */
  readonly bad: string | null
  /** Who has cancelled the newest operation of its own, where somebody has. */
  readonly cancelledBy: string | null
  readonly isThere: boolean
  readonly nowMs: number
}

/** Why not yet, undated. */
export type Why = Omit<DesiredPending, 'since'>

/** What the host does next. `fetch` and `start` come with what a caller is told meanwhile. */
export type Decision =
  | { readonly do: 'nothing'; readonly is: 'reached' }
  | { readonly do: 'nothing'; readonly is: 'pending'; readonly why: Why }
  | { readonly do: 'fetch' }
  | { readonly do: 'start'; readonly key: string; readonly again: boolean }

/** Keys that are the agent's own: who could use one first would keep a desired state back. */
const KEYS = 'desired/'

/** Throws `idempotency-reserved` for a key of a caller that could be one of the agent's own. */
export function assertForeignKey(key: string | null): void {
  if (key?.startsWith(KEYS) !== true) return
  throw new BelayError('idempotency-reserved', `idempotency keys with ${KEYS} are the agent's own`, {
    found: key,
    wanted: `a key that does not begin with ${KEYS}`,
    at: 'idempotency-key'
  })
}

/** First and longest wait after an operation that was refused or gave way, in milliseconds. */
const FIRST_WAIT = 60_000
const LONGEST_WAIT = 3_600_000

/** What is done about the desired state. Pure; admission and runner judge again. */
export function decide(situation: Situation): Decision {
  const { desired, profile, operations, isThere } = situation
  const own = operations.filter((state) => isOwn(state, desired))
  const open = operations.findLast(({ phase }) => !isTerminal(phase))
  if (open !== undefined) return pending(underWay(open, desired))
  if (runs(profile, desired.storePath)) return { do: 'nothing', is: 'reached' }
  const why = left(situation) ?? failed(situation, own) ?? marked(situation, own)
  if (why !== null) return pending(why)
  // That may take longer than a window is open, and changes nothing.
  if (!isThere) return { do: 'fetch' }
  const shut = closed(situation)
  if (shut !== null) return pending(shut)
  return {
    do: 'start',
    // The same until it has ended: what is asked twice is one operation.
    key: `${KEYS}${desired.revision}/${attemptOf(own.at(-1)) + 1}`,
    again: situation.bad !== null
  }
}

/** The attempt that an operation of its own is: the oldest ones may be forgotten, so they are not counted. */
const attemptOf = (state: OperationState | undefined) =>
  Number(state?.accepted.idempotency?.key.split('/')[2] ?? 0)

const pending = (why: Why): Decision => ({ do: 'nothing', is: 'pending', why })

/** An operation that this revision has begun. */
export const isOwn = ({ accepted }: OperationState, { revision, storePath }: Desired): boolean =>
  accepted.kind === 'activate' &&
  accepted.revision === revision &&
  accepted.target.storePath === storePath &&
  accepted.idempotency?.key.startsWith(`${KEYS}${revision}/`) === true

/** True when profile, running system and, where known, the boot default are it. */
function runs({ storePath, running, bootDefault }: ProfileState, wanted: string): boolean {
  return storePath === wanted && running === wanted && (bootDefault ?? wanted) === wanted
}

function why(code: DesiredReason, text: string, unblock: string, operation: string | null = null): Why {
  return { code, text, unblock, operation }
}

function underWay({ accepted, phase }: OperationState, desired: Desired): Why {
  const { id } = accepted
  if (accepted.target.storePath !== desired.storePath || accepted.kind !== 'activate')
    return why('operation-running', `operation ${id} is ${phase}`, 'its end', id)
  if (phase === 'staged')
    return why(
      'waiting-for-reboot',
      `operation ${id} has staged it`,
      'a reboot, or belay-agent reboot where the policy allows it',
      id
    )
  return why('converging', `operation ${id} is ${phase}`, 'its end', id)
}

/** Somebody has put something else there. It is never overwritten: only a new revision goes on. */
function left(situation: Situation): Why | null {
  const { after, desired, operations, profile, reachedAt } = situation
  const later = operations.filter(({ accepted }) => after === null || accepted.id > after)
  const last = later.findLast(({ phase, accepted: { kind } }) =>
    kind === 'rollback' ? phase === 'rolled-back' : phase === 'committed'
  )
  const isIt = last?.accepted.kind === 'activate' && last.accepted.target.storePath === desired.storePath
  const arrived = isIt || reachedAt !== null
  const other = isIt ? undefined : last
  if (other !== undefined) {
    const { id, kind, principal } = other.accepted
    const what = kind === 'rollback' ? 'rolled back' : 'activated something else'
    return why('overtaken', `${principal} has ${what} since, in operation ${id}`, newRevision, id)
  }
  const foreign = profile.drifts.find(({ kind }) => foreignDrifts.includes(kind))
  if (foreign !== undefined) return why('drifted', `${foreign.kind}: ${foreign.found ?? 'nothing'}`, byHand)
  if (!arrived) return null
  const text = `it ran the generation, and now runs ${profile.running ?? 'something else'}`
  return why('drifted', text, byHand)
}

const newRevision = 'a desired state with a higher revision'
const byHand = 'a person: activate with --over-drift, or go back to what Belay left'

/** What became of the newest operation of its own. */
function failed({ nowMs, cancelledBy }: Situation, own: readonly OperationState[]): Why | null {
  const last = own.at(-1)
  if (last === undefined) return null
  const { phase, code, reason, updatedAt, accepted } = last
  const { id } = accepted
  const text = reason ?? phase
  if (phase === 'rolled-back' && code !== 'cancelled' && isItsFault(code))
    return why('known-bad', text, `${newRevision} and again: true, or another generation`, id)
  const cancelled = phase === 'cancelled' || code === 'cancelled'
  if (cancelled && cancelledBy !== null && cancelledBy !== 'agent')
    return why('cancelled', `${cancelledBy} has cancelled operation ${id}`, newRevision, id)
  const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(attemptOf(last) - 1, 10))
  const ended = Date.parse(updatedAt)
  // A clock that was set back makes nobody wait.
  if (ended > nowMs || nowMs >= ended + wait) return null
  const until = new Date(ended + wait).toISOString()
  return why(reasonOf(code), text, `the cause is put right; it is tried again at ${until}`, id)
}

/** The reason for which an activation was refused. */
export function reasonOf(code: string | null): DesiredReason {
  if (code === null) return 'refused'
  if (code.startsWith('approval-')) return 'waiting-for-approval'
  return codes[code] ?? 'refused'
}

const codes: Readonly<Record<string, DesiredReason>> = {
  held: 'held',
  'outside-window': 'outside-window',
  'operation-running': 'operation-running',
  'known-bad': 'known-bad',
  drifted: 'drifted',
  'profile-moved': 'drifted',
  'plan-changed': 'plan-changed',
  'path-not-valid': 'path-missing'
}

/** Marked bad by whoever. It is tried again once, under a revision that says so. */
function marked({ bad, desired }: Situation, own: readonly OperationState[]): Why | null {
  if (bad === null || (desired.again === true && !own.some(({ phase }) => phase === 'rolled-back')))
    return null
  return why('known-bad', bad, `${newRevision} and again: true, or another generation`)
}

/** Hold and windows. */
function closed({ hold, windows, desired, nowMs }: Situation): Why | null {
  if (hold !== null) {
    const text = `on hold since ${hold.at} by ${hold.principal}: ${hold.reason}`
    return why('held', text, 'belay-agent release', hold.operation)
  }
  const both = [
    { of: 'this host', list: windows },
    { of: 'the desired state', list: desired.windows ?? [] }
  ]
  const shut = both.find(({ list }) => !isOpen(list, nowMs))
  if (shut === undefined) return null
  const next = nextOpening(shut.list, nowMs)
  const unblock = next === null ? 'a window that opens' : `time, until ${new Date(next).toISOString()}`
  return why('outside-window', `no window of ${shut.of} is open`, unblock)
}
