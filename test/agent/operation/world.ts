import type { JournalRecord } from '../../../agent/journal/journal.ts'
import type { Accepted, Baseline, Event } from '../../../agent/operation/events.ts'
import type { Ports } from '../../../agent/operation/ports.ts'
import { runOperation } from '../../../agent/operation/runner.ts'
import { parked } from '../../../agent/operation/trial.ts'
import type { TerminalPhase } from '../../../shared/operation/phase.ts'
import { isTerminal } from '../../../shared/operation/phase.ts'

export const old = { number: 41, storePath: `/nix/store/${'a'.repeat(32)}-old` }
export const next = { number: null, storePath: `/nix/store/${'b'.repeat(32)}-new` }

export const third = { number: null, storePath: `/nix/store/${'c'.repeat(32)}-by-hand` }

/** What the candidate, the people and the host do. */
export interface Story {
  readonly kind?: Accepted['kind']
  readonly by?: Accepted['confirm']['by']
  readonly mode?: 'switch' | 'boot'
  /** The candidate's kernel panics, and the power is cut by hand. */
  readonly bootFails?: boolean
  /** However often the host is rebooted out of the trial, the candidate comes up: somebody chooses it in the menu. */
  readonly bootsCandidateAgain?: boolean
  readonly answer?: 'confirm' | 'cancel' | 'nobody' | 'late'
  readonly refused?: boolean
  readonly cancelEarly?: boolean
  /** A cancellation that comes while the confirmation is being looked at. */
  readonly cancelLate?: boolean
  /** The candidate's script finds its lock taken. */
  readonly locked?: boolean
  /** Somebody switches the host by hand, or asks for another generation, while the rollback is stuck. */
  readonly stuckUntil?: 'by hand' | 'asked'
  readonly regression?: string
  readonly commitFails?: boolean
  /** How many of the first attempts to bring the baseline back fail. */
  readonly restoreFailures?: number
  /** Effects that fail once without killing the runner, counted over all its lives from 1. */
  readonly failing?: readonly number[]
}

/** How one life of the runner ends: in front of its n-th effect, which is behind the one before, and what happens then. */
export interface Death {
  readonly at: number
  readonly fate: Fate
}
/** `guard`: nobody starts the runner again before the guard's time comes. `kill all`: the guard is killed too. */
export type Fate = 'kill' | 'kill all' | 'power cut' | 'guard'
export const fates: readonly Fate[] = ['kill', 'kill all', 'power cut', 'guard']

/** Longest that a look at what runs takes. */
const VERIFY_SECONDS = 120

class Crash extends Error {}

/** A host in memory. It survives the deaths of the runner; a reboot runs what the boot default names. */
export function world(story: Story) {
  const kind = story.kind ?? 'activate'
  const accepted: Accepted = {
    type: 'accepted',
    id: 'op',
    kind,
    profile: 'system',
    target: kind === 'rollback' ? old : next,
    mode: story.mode ?? 'switch',
    confirm: { by: story.by ?? 'connection', windowSeconds: 60 },
    principal: 'operate',
    reason: null,
    idempotency: null
  }
  const records: JournalRecord<Event>[] = []
  const start = kind === 'rollback' ? next.storePath : old.storePath
  const clock = { monotonicMs: 0 }
  /** Promises that were broken, whatever the end looks like. */
  const broken: string[] = []
  const host = {
    running: start,
    profile: start,
    bootDefault: start,
    /** What boots once, and whether the guard of a trial boot lies ready for it. */
    next: null as string | null,
    staged: false,
    guarded: false,
    /** The countdown of the guard, and when it comes to its end. */
    serial: -1,
    guardEndsMs: 0,
    fired: false,
    boot: 1
  }
  const ended = () => {
    const last = records.at(-1)?.event
    return last?.type === 'moved' && isTerminal(last.to)
  }
  /** Firmware and boot loader; a candidate that panics loses its power, and gets it again. */
  const reboot = () => {
    const chosen = host.next
    host.next = null
    host.boot += 1
    host.running = chosen === null || story.bootFails ? host.bootDefault : chosen
    if (story.bootsCandidateAgain && !ended() && host.staged && host.boot > 2) host.running = next.storePath
    host.guarded = host.staged && host.running === next.storePath
    if (host.running === next.storePath && host.bootDefault !== next.storePath && !host.guarded)
      broken.push('booted the candidate without a guard')
    clock.monotonicMs = 0
  }
  const write = (event: Event) => {
    const { monotonicMs } = clock
    const stamp = { at: 't', bootId: `${host.boot}`, monotonicMs, previous: '', hash: '' }
    records.push({ seq: records.length, event, ...stamp })
  }
  write(accepted)
  let failures = story.restoreFailures ?? 0
  let total = 0
  let deathsMet = 0

  /** The runner's view in one life; nothing works for it after its death. */
  const ports = (death: Death | null, lived: { effects: number }): Ports => {
    let dead = false
    const effect = async <T>(act: () => T): Promise<T> => {
      if (dead) throw new Crash()
      lived.effects += 1
      total += 1
      clock.monotonicMs += 10
      dead = death?.at === lived.effects
      deathsMet += dead ? 1 : 0
      if (dead) throw new Crash()
      if (story.failing?.includes(total)) throw new Error(`effect ${total} fails`)
      return act()
    }
    const fail = (text: string): never => {
      throw new Error(text)
    }
    const has = (type: Event['type']) => records.some(({ event }) => event.type === type)
    const baseline: Baseline = { type: 'baseline', generation: old, profile: old, failedUnits: [] }
    return {
      journal: {
        records,
        append: (event) =>
          effect(() => {
            write(event)
            return records.at(-1) as JournalRecord<Event>
          }),
        close: async () => {}
      },
      bootId: `${host.boot}`,
      activationUnit: 'activation.service',
      untouched: async ({ status }) =>
        status === '11' ? { reason: 'somebody else switches this host', code: 'locked' } : null,
      activationSeconds: 60 + VERIFY_SECONDS,
      verifySeconds: VERIFY_SECONDS,
      bootSeconds: 60,
      monotonicMs: () => clock.monotonicMs,
      // The wall clock is anything at all: nothing may hang on it.
      wallAt: () => new Date(((total * 7919) % 4_000_000) * 1_000_000).toISOString(),
      newNonce: () => 'n',
      fetch: () => effect(() => (story.refused ? fail('no such path') : undefined)),
      check: () => effect(() => baseline),
      arm: (_, seconds, serial) =>
        effect(() => {
          if (!host.guarded || serial !== host.serial) host.guardEndsMs = clock.monotonicMs + seconds * 1000
          host.serial = serial
          // Before the reboot the guard of a trial only lies ready.
          host.guarded = story.mode !== 'boot' || host.running === next.storePath
        }),
      guardFired: () => effect(() => host.fired),
      cancelRequested: () =>
        effect(() => story.cancelEarly === true || (story.cancelLate === true && has('window-opened'))),
      settle: () =>
        effect(() => {
          host.guarded = false
          host.staged = false
        }),
      stage: async (_, path) => {
        await effect(() => {
          host.staged = true
        })
        await effect(() => {
          host.next = path
        })
      },
      unstage: () =>
        effect(() => {
          host.next = null
        }),
      mayReboot: () => effect(() => true),
      reboot: () =>
        effect(() => {
          reboot()
          dead = true
        }),
      bootFinished: () => effect(() => {}),
      startActivation: (path) =>
        effect(() => {
          if (!host.guarded) broken.push('activated without a guard')
          if (!story.locked) host.running = path
        }),
      activationOutcome: () =>
        effect(() => {
          if (story.locked) return { result: 'exit-code', code: 'exited', status: '11' }
          return host.running === next.storePath ? { result: 'success', code: 'exited', status: '0' } : null
        }),
      regression: () =>
        effect(() => {
          if (clock.monotonicMs + VERIFY_SECONDS * 1000 > host.guardEndsMs)
            broken.push('the guard acts while the runner looks')
          return story.regression ?? null
        }),
      awaitAnswer: (_, deadlineMonotonicMs) =>
        effect(() => {
          if (!host.guarded) broken.push('waited for an answer without a guard')
          if (story.answer === 'late') clock.monotonicMs = deadlineMonotonicMs - 1
          if (story.answer === 'nobody') clock.monotonicMs = deadlineMonotonicMs
          if (clock.monotonicMs >= deadlineMonotonicMs) return 'deadline'
          return story.answer === 'cancel' ? 'cancelled' : { confirmedBy: 'operate' }
        }),
      commit: async (path) => {
        await effect(() => {
          if (accepted.confirm.by === 'connection' && !has('confirmed'))
            broken.push('committed without a confirmation')
          if (!host.guarded) broken.push('committed without a guard')
          host.profile = path
        })
        await effect(() => {
          if (story.commitFails) fail('the boot loader failed')
          host.bootDefault = path
        })
      },
      restore: async (target, profile, activate) => {
        await effect(() => {
          if (!activate) return
          if (failures-- > 0 && target.storePath !== third.storePath) fail('the switch failed')
          host.running = target.storePath
        })
        await effect(() => {
          host.profile = profile.storePath
        })
        await effect(() => {
          host.bootDefault = profile.storePath
        })
      },
      runningPath: () => effect(() => host.running),
      backOff: () =>
        effect(() => {
          if (story.stuckUntil === 'by hand') host.running = third.storePath
          return story.stuckUntil === 'asked' ? third : null
        })
    }
  }

  const between: Record<Fate, () => void> = {
    kill: () => {},
    'kill all': () => {
      host.guarded = false
    },
    'power cut': () => {
      host.guarded = false
      reboot()
    },
    // It leaves alone what has durably ended.
    guard: () => {
      if (!host.guarded || ended()) return
      host.fired = true
      host.guarded = false
      host.profile = host.bootDefault = old.storePath
      if (host.staged) reboot()
      else host.running = old.storePath
    }
  }

  /** Lives through the deaths in turn, then in peace, as systemd starts a runner that has failed. */
  async function live(deaths: readonly Death[] = []): Promise<TerminalPhase> {
    for (const death of deaths) {
      const lived = { effects: 0 }
      // A life goes on over a reboot that the operation asked for.
      while ((await runOperation(ports(death, lived)).catch(() => null)) === parked);
      between[death.fate]()
    }
    for (let restart = 0; ; restart++) {
      try {
        const end = await runOperation(ports(null, { effects: 0 }))
        if (end !== parked) return end
        if (restart > 10) throw new Error('parked for ever')
      } catch (error) {
        if (restart > 10 + (story.failing?.length ?? 0)) throw error
      }
    }
  }

  /** What is wrong with the host after an operation that ended so, in words; null when nothing is. */
  function stranded(end: TerminalPhase): string | null {
    const wanted = end === 'committed' ? next.storePath : old.storePath
    const systems = [host.running, host.profile, host.bootDefault]
    if (broken.length > 0) return broken.join(', ')
    if (systems.some((path) => path !== wanted)) return `${end}, but ${systems.join(' ')}`
    if (host.guarded || host.staged) return 'the guard is still armed'
    if (host.next !== null) return `the next boot is ${host.next}`
    return null
  }

  return { host, records, live, stranded, deathsMet: () => deathsMet }
}

/** The stories that have a known end when nothing goes wrong. */
export const stories: Record<string, { readonly story: Story; readonly ends: TerminalPhase }> = {
  'a good generation': { story: {}, ends: 'committed' },
  'a good one that nobody has to confirm': { story: { by: 'health' }, ends: 'committed' },
  'a refused one': { story: { refused: true }, ends: 'refused' },
  'one that breaks a service': { story: { regression: 'web.service failed' }, ends: 'rolled-back' },
  'one that cuts the network': { story: { answer: 'nobody' }, ends: 'rolled-back' },
  'one cancelled before anything changed': { story: { cancelEarly: true }, ends: 'cancelled' },
  'a cancelled one': { story: { answer: 'cancel' }, ends: 'rolled-back' },
  'a boot loader that fails': { story: { commitFails: true }, ends: 'rolled-back' },
  'a rollback that fails twice': { story: { answer: 'nobody', restoreFailures: 2 }, ends: 'rolled-back' },
  'an emergency rollback': { story: { kind: 'rollback' }, ends: 'rolled-back' }
}

/** The same for those that are booted on trial. */
export const trials: typeof stories = {
  'a trial boot': { story: { mode: 'boot' }, ends: 'committed' },
  'a trial boot that nobody confirms': { story: { mode: 'boot', answer: 'nobody' }, ends: 'rolled-back' },
  'a trial boot of what does not boot': { story: { mode: 'boot', bootFails: true }, ends: 'rolled-back' },
  'a trial boot that breaks a service': {
    story: { mode: 'boot', regression: 'web.service failed' },
    ends: 'rolled-back'
  },
  'a trial boot whose commit fails': { story: { mode: 'boot', commitFails: true }, ends: 'rolled-back' },
  'a trial boot that no reboot leaves': {
    story: { mode: 'boot', answer: 'nobody', bootsCandidateAgain: true },
    ends: 'rolled-back'
  }
}
