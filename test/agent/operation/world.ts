import type { JournalRecord } from '../../../agent/journal/journal.ts'
import type { Accepted, Baseline, Event } from '../../../agent/operation/events.ts'
import type { Ports } from '../../../agent/operation/ports.ts'
import { runOperation } from '../../../agent/operation/runner.ts'
import type { TerminalPhase } from '../../../shared/operation/phase.ts'
import { isTerminal } from '../../../shared/operation/phase.ts'

export const old = { number: 41, storePath: `/nix/store/${'a'.repeat(32)}-old` }
export const next = { number: null, storePath: `/nix/store/${'b'.repeat(32)}-new` }

export const third = { number: null, storePath: `/nix/store/${'c'.repeat(32)}-by-hand` }

/** What the candidate, the people and the host do. */
export interface Story {
  readonly kind?: Accepted['kind']
  readonly by?: Accepted['confirm']['by']
  readonly answer?: 'confirm' | 'cancel' | 'nobody'
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
    confirm: { by: story.by ?? 'connection', windowSeconds: 60 },
    principal: 'operate',
    reason: null,
    idempotency: null
  }
  const records: JournalRecord<Event>[] = []
  const start = kind === 'rollback' ? next.storePath : old.storePath
  const host = { running: start, profile: start, bootDefault: start, guarded: false, fired: false, boot: 1 }
  const clock = { monotonicMs: 0 }
  /** Promises that were broken, whatever the end looks like. */
  const broken: string[] = []
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
  const ports = (death: Death | null): Ports => {
    let dead = false
    let count = 0
    const effect = async <T>(act: () => T): Promise<T> => {
      if (dead) throw new Crash()
      count += 1
      total += 1
      clock.monotonicMs += 10
      dead = death?.at === count
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
      activationSeconds: 60,
      monotonicMs: () => clock.monotonicMs,
      // The wall clock is anything at all: nothing may hang on it.
      wallAt: () => new Date(((total * 7919) % 4_000_000) * 1_000_000).toISOString(),
      newNonce: () => 'n',
      fetch: () => effect(() => (story.refused ? fail('no such path') : undefined)),
      check: () => effect(() => baseline),
      arm: () =>
        effect(() => {
          host.guarded = true
        }),
      guardFired: () => effect(() => host.fired),
      cancelRequested: () =>
        effect(() => story.cancelEarly === true || (story.cancelLate === true && has('window-opened'))),
      settle: () =>
        effect(() => {
          host.guarded = false
        }),
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
      regression: () => effect(() => story.regression ?? null),
      awaitAnswer: (_, deadlineMonotonicMs) =>
        effect(() => {
          if (!host.guarded) broken.push('waited for an answer without a guard')
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
      restore: async (target, profile) => {
        await effect(() => {
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
      host.boot += 1
      host.guarded = false
      host.running = host.bootDefault
      clock.monotonicMs = 0
    },
    // It leaves alone what has durably ended.
    guard: () => {
      const last = records.at(-1)?.event
      if (!host.guarded || (last?.type === 'moved' && isTerminal(last.to))) return
      host.fired = true
      host.guarded = false
      host.running = host.profile = host.bootDefault = old.storePath
    }
  }

  /** Lives through the deaths in turn, then in peace, as systemd starts a runner that has failed. */
  async function live(deaths: readonly Death[] = []): Promise<TerminalPhase> {
    for (const death of deaths) {
      await runOperation(ports(death)).catch(() => {})
      between[death.fate]()
    }
    for (let restart = 0; ; restart++) {
      try {
        return await runOperation(ports(null))
      } catch (error) {
        if (restart > (story.failing?.length ?? 0)) throw error
      }
    }
  }

  /** What is wrong with the host after an operation that ended so, in words; null when nothing is. */
  function stranded(end: TerminalPhase): string | null {
    const wanted = end === 'committed' ? next.storePath : old.storePath
    const systems = [host.running, host.profile, host.bootDefault]
    if (broken.length > 0) return broken.join(', ')
    if (systems.some((path) => path !== wanted)) return `${end}, but ${systems.join(' ')}`
    if (host.guarded) return 'the guard is still armed'
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
