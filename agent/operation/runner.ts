import { codeOf, describeError } from '../../shared/errors.ts'
import type { Phase, TerminalPhase } from '../../shared/operation/phase.ts'
import { canMove, isTerminal } from '../../shared/operation/phase.ts'
import { isUntouched } from './drift.ts'
import type { Ports } from './ports.ts'
import { recover } from './recovery.ts'
import type { OperationState } from './state.ts'
import { foldOperation } from './state.ts'
import { leaveTrial, parked, rebootInto } from './trial.ts'

/** Where an operation goes next, and why. */
interface Move {
  readonly to: Phase
  readonly reason: string
  readonly code?: string
}
type Step = (ports: Ports, state: OperationState) => Promise<Move | typeof parked>

/** Seconds that the guard allows beyond what a phase may take by itself. */
const GUARD_MARGIN = 60
/** Phases in which giving up needs no rollback. */
const untouchedPhases: ReadonlySet<Phase> = new Set(['accepted', 'fetching', 'checking', 'arming'])

/**
 * Carries one operation from wherever its journal says it is to its end, or to where only a reboot goes on. Starting
 * and recovering are the same call.
 */
export async function runOperation(ports: Ports): Promise<TerminalPhase | typeof parked> {
  const first = foldOperation(ports.journal.records)
  if (!isTerminal(first.phase)) await begin(ports, first)
  for (;;) {
    const state = foldOperation(ports.journal.records)
    if (isTerminal(state.phase)) {
      await ports.settle()
      return state.phase
    }
    const cancelled = untouchedPhases.has(state.phase) && (await ports.cancelRequested())
    const next = cancelled ? neverBegun : await steps[state.phase](ports, state)
    if (next === parked) return parked
    await move(ports, next)
  }
}

async function move(ports: Ports, { to, reason, code }: Move): Promise<void> {
  await ports.journal.append({ type: 'moved', to, reason, ...(code === undefined ? {} : { code }) })
}

/** What the recovery table says of an operation that another runner left. */
async function begin(ports: Ports, state: OperationState): Promise<void> {
  const candidateRuns = (await ports.runningPath()) === state.accepted.target.storePath
  const rebooted = state.bootId !== ports.bootId
  if (
    (await ports.guardFired()) &&
    canMove(state.phase, 'rolling-back') &&
    !untouchedPhases.has(state.phase) &&
    !(rebooted && candidateRuns)
  ) {
    return move(ports, { to: 'rolling-back', reason: 'the guard brought the baseline back', code: 'guard' })
  }
  const answer = recover({ phase: state.phase, kind: state.accepted.kind, rebooted, candidateRuns })
  if (answer === 'cancel') await move(ports, { to: 'cancelled', ...afterReboot(state) })
  if (answer === 'verify')
    await move(ports, { to: 'verifying', reason: 'the candidate was booted, on trial' })
  if (answer === 'roll-back') await move(ports, { to: 'rolling-back', ...afterReboot(state) })
}

const afterReboot = ({ phase }: OperationState): Omit<Move, 'to'> =>
  phase === 'staging' || phase === 'staged'
    ? { reason: 'the host rebooted, and the candidate is not what booted', code: 'not-booted' }
    : { reason: 'the host rebooted before the operation was confirmed', code: 'rebooted' }

/** A step whose failure leads to `to`; before `activating` that is a refusal, afterwards a rollback. */
function orElse(to: Phase, step: Step): Step {
  return (ports, state) =>
    step(ports, state).catch((error: unknown) => ({ to, reason: describeError(error), code: codeOf(error) }))
}

const steps: Record<Exclude<Phase, TerminalPhase>, Step> = {
  accepted: async (_, state) =>
    state.accepted.kind === 'rollback'
      ? { to: 'rolling-back', reason: state.accepted.reason ?? 'rollback asked for' }
      : { to: 'fetching', reason: 'the candidate is made valid and rooted' },
  fetching: orElse('refused', async (ports, { accepted }) => {
    await ports.fetch(accepted.target.storePath)
    return { to: 'checking', reason: 'the candidate is in the store' }
  }),
  checking: orElse('refused', async (ports, { accepted }) => {
    await ports.journal.append(await ports.check(accepted))
    return { to: 'arming', reason: 'preflight passed' }
  }),
  arming: orElse('refused', async (ports, state) => {
    if (state.mode === 'boot') return { to: 'staging', reason: 'the candidate is to be booted on trial' }
    await arm(ports, state, 'arming', ports.activationSeconds)
    return { to: 'activating', reason: 'the guard is armed' }
  }),
  activating: orElse('rolling-back', async (ports, state) => {
    const { accepted, activation } = state
    await arm(ports, state, 'arming', ports.activationSeconds)
    if (!activation.started) {
      await ports.journal.append({ type: 'activation-started', unit: ports.activationUnit })
      await ports.startActivation(accepted.target.storePath)
    }
    const outcome = await ports.activationOutcome()
    if (outcome === null)
      return { to: 'rolling-back', reason: 'nobody knows how the activation ended', code: 'unknown' }
    await ports.journal.append({ type: 'activation-ended', outcome })
    if (await ports.cancelRequested()) return cancelled
    const untouched = await ports.untouched(outcome)
    if (untouched !== null) return { to: 'rolling-back', ...untouched }
    return {
      to: 'verifying',
      reason: `activation ended: ${outcome.result} ${outcome.code} ${outcome.status}`
    }
  }),
  staging: orElse('rolling-back', async (ports, state) => {
    await ports.stage(baselineOf(state), state.accepted.target.storePath)
    return { to: 'staged', reason: 'the next boot is the candidate, once' }
  }),
  staged: orElse('rolling-back', async (ports, state) => {
    if (await ports.cancelRequested()) return cancelled
    if (!(await ports.mayReboot())) return parked
    return rebootInto(ports, state.accepted.target.storePath, 'the trial boot of the candidate')
  }),
  verifying: orElse('rolling-back', async (ports, state) => {
    if (state.mode === 'boot') {
      await arm(ports, state, 'verifying', ports.bootSeconds + ports.activationSeconds)
      await ports.unstage()
      await ports.bootFinished()
    } else await arm(ports, state, 'arming', ports.activationSeconds)
    const worse = await ports.regression(
      baselineOf(state),
      state.accepted.target.storePath,
      state.activation.outcome
    )
    if (worse !== null) return { to: 'rolling-back', reason: worse, code: 'regression' }
    if (await ports.cancelRequested()) return cancelled
    return { to: 'confirming', reason: 'nothing is worse than before' }
  }),
  confirming: orElse('rolling-back', confirming),
  committing: orElse('rolling-back', async (ports, state) => {
    if (await ports.cancelRequested()) return cancelled
    await arm(ports, state, 'committing', ports.activationSeconds)
    await ports.commit(state.accepted.target.storePath)
    return { to: 'committed', reason: chosen[state.accepted.profile === 'system' ? 'system' : 'home'] }
  }),
  'rolling-back': orElse('stuck', async (ports, state) => {
    const { accepted, baseline, retarget } = state
    const target = retarget ?? (accepted.kind === 'rollback' ? accepted.target : baseline?.generation)
    if (target === undefined) throw new Error('the journal names no baseline')
    const { reason, code } = causeOf(ports)
    // The candidate's script gave way before it changed anything, and so does its rollback.
    if (isUntouched(code)) return { to: 'rolled-back', reason: `${reason}; nothing was changed`, code }
    // While a runner works on it the guard must not: running, profile and boot loader, each in its time. Where the
    // disk is full the guard of before still counts.
    const staged = state.mode === 'boot'
    const seconds = 2 * ports.activationSeconds + (staged ? ports.bootSeconds : 0)
    if (baseline) await arm(ports, state, 'rolling-back', seconds).catch(() => {})
    const profile = (retarget === null && accepted.kind === 'activate' ? baseline?.profile : target) ?? target
    if (!staged) await ports.restore(target, profile, true)
    else if ((await leaveTrial(ports, state, target, profile)) === parked) return parked
    return {
      to: 'rolled-back',
      reason: `${reason}; ${target.storePath} runs again`,
      ...(code === undefined ? {} : { code })
    }
  }),
  stuck: async (ports) => {
    const before = await ports.runningPath()
    const attempt = ports.journal.records.filter(
      ({ event }) => event.type === 'moved' && event.to === 'stuck'
    ).length
    const chosen = await ports.backOff(attempt)
    const now = await ports.runningPath()
    if (chosen)
      await ports.journal.append({
        type: 'retargeted',
        target: chosen,
        reason: 'another target was asked for'
      })
    else if (before !== null && now !== null && now !== before) {
      // Nothing of ours runs meanwhile: a person has switched, and knows better. What could not be seen before tells nothing.
      const target = { number: null, storePath: now }
      await ports.journal.append({ type: 'retargeted', target, reason: 'the host was switched by hand' })
    }
    return { to: 'rolling-back', reason: 'the rollback is tried again' }
  }
}

async function confirming(ports: Ports, state: OperationState): Promise<Move> {
  const { by, windowSeconds } = state.accepted.confirm
  if (by === 'health') {
    if (await ports.cancelRequested()) return cancelled
    return { to: 'committing', reason: 'local verification is enough' }
  }
  if (state.confirmedBy !== null) return { to: 'committing', reason: `confirmed by ${state.confirmedBy}` }
  let window = state.window
  // Who confirms in the last moment has it looked at behind the deadline.
  await arm(ports, state, 'confirming', windowSeconds + ports.verifySeconds)
  if (window === null) {
    const inMs = windowSeconds * 1000
    window = {
      nonce: ports.newNonce(),
      deadlineMonotonicMs: ports.monotonicMs() + inMs,
      deadlineAt: ports.wallAt(inMs)
    }
    await ports.journal.append({ type: 'window-opened', ...window })
  }
  const answer = await ports.awaitAnswer(window.nonce, window.deadlineMonotonicMs)
  if (answer === 'deadline')
    return { to: 'rolling-back', reason: 'nobody confirmed in time', code: 'confirm-timeout' }
  if (answer === 'cancelled') return cancelled
  // What has failed while the window was open counts as well.
  const worse = await ports.regression(
    baselineOf(state),
    state.accepted.target.storePath,
    state.activation.outcome
  )
  if (worse !== null) return { to: 'rolling-back', reason: worse, code: 'regression' }
  await ports.journal.append({ type: 'confirmed', principal: answer.confirmedBy })
  return { to: 'committing', reason: `confirmed by ${answer.confirmedBy}` }
}

/** What a commit has moved. */
const chosen = { system: 'profile and boot default are the candidate', home: 'the profile is the candidate' }

const neverBegun: Move = { to: 'cancelled', reason: 'cancelled' }
const cancelled: Move = { to: 'rolling-back', reason: 'cancelled', code: 'cancelled' }

/** Why the operation turned back in the first place. */
function causeOf(ports: Ports): { readonly reason: string; readonly code?: string } {
  for (const { event } of ports.journal.records)
    if (event.type === 'moved' && event.to === 'rolling-back') return event
  return { reason: 'rolled back' }
}

/** Has the guard count from the operation's last entry into a phase. */
async function arm(ports: Ports, state: OperationState, phase: Phase, seconds: number): Promise<void> {
  const entry = ports.journal.records.findLast(({ event }) => event.type === 'moved' && event.to === phase)
  await ports.arm(baselineOf(state), seconds + GUARD_MARGIN, entry?.seq ?? 0)
}

function baselineOf(state: OperationState) {
  if (state.baseline === null) throw new Error('the journal names no baseline')
  return state.baseline
}
