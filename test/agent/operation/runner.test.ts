import t from 'tap'
import type { JournalRecord } from '../../../agent/journal/journal.ts'
import type { Accepted, Baseline, Event } from '../../../agent/operation/events.ts'
import type { Answer, Ports } from '../../../agent/operation/ports.ts'
import { runOperation } from '../../../agent/operation/runner.ts'
import { isTerminal } from '../../../shared/operation/phase.ts'

const old = { number: 41, storePath: `/nix/store/${'a'.repeat(32)}-old` }
const next = { number: null, storePath: `/nix/store/${'b'.repeat(32)}-new` }

interface Story {
  readonly kind?: Accepted['kind']
  readonly answer?: Answer
  readonly refused?: boolean
  readonly cancelEarly?: boolean
  readonly regression?: string
  readonly commitFails?: boolean
  readonly restoreFailures?: number
}

/** A host in memory: it survives crashes of the runner; a reboot runs what the boot default names. */
function world(story: Story) {
  const kind = story.kind ?? 'activate'
  const accepted: Accepted = {
    type: 'accepted',
    id: 'op',
    kind,
    profile: 'system',
    target: kind === 'rollback' ? old : next,
    confirm: { by: 'connection', windowSeconds: 60 },
    principal: 'operate',
    reason: null,
    idempotency: null
  }
  const records: JournalRecord<Event>[] = []
  const start = kind === 'rollback' ? next.storePath : old.storePath
  const host = { running: start, profile: start, bootDefault: start, guarded: false, fired: false, boot: 1 }
  const write = (event: Event) =>
    records.push({
      seq: records.length,
      event,
      at: 't',
      bootId: `${host.boot}`,
      monotonicMs: 0,
      previous: '',
      hash: ''
    })
  write(accepted)
  let failures = story.restoreFailures ?? 0
  let effects = 0

  /** The runner's view; it dies in front of, or behind, its n-th effect, and nothing works for it afterwards. */
  const ports = (crash: { at: number; after: boolean } | null): Ports => {
    let dead = false
    let count = 0
    const effect = async <T>(act: () => T): Promise<T> => {
      if (dead) throw new Error('Crash')
      count += 1
      effects = Math.max(effects, count)
      const now = crash !== null && count === crash.at
      dead = now
      if (now && !crash.after) throw new Error('Crash')
      const value = act()
      if (now) throw new Error('Crash')
      return value
    }
    const fail = (text: string): never => {
      throw new Error(text)
    }
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
      monotonicMs: () => 0,
      wallAt: () => 't',
      newNonce: () => 'n',
      fetch: () => effect(() => (story.refused ? fail('no such path') : undefined)),
      check: () => effect(() => baseline),
      arm: () =>
        effect(() => {
          host.guarded = true
        }),
      activationSeconds: 60,
      guardFired: () => effect(() => host.fired),
      cancelRequested: () => effect(() => story.cancelEarly === true),
      settle: () =>
        effect(() => {
          host.guarded = false
        }),
      startActivation: (path) =>
        effect(() => {
          if (!host.guarded) fail('activated without a guard')
          host.running = path
        }),
      activationOutcome: () =>
        effect(() =>
          host.running === next.storePath ? { result: 'success', code: 'exited', status: '0' } : null
        ),
      regression: () => effect(() => story.regression ?? null),
      awaitAnswer: () => effect(() => story.answer ?? { confirmedBy: 'operate' }),
      commit: (path) =>
        effect(() => {
          host.profile = path
          if (story.commitFails) fail('the boot loader failed')
          host.bootDefault = path
        }),
      restore: (target, profile) =>
        effect(() => {
          if (failures-- > 0) fail('the switch failed')
          host.running = target.storePath
          host.profile = profile.storePath
          host.bootDefault = target.storePath
        }),
      runningPath: () => effect(() => host.running),
      backOff: () => effect(() => undefined)
    }
  }
  const reboot = () => {
    host.boot += 1
    host.guarded = false
    host.running = host.bootDefault
  }
  /** The guard's time comes while no runner lives; it leaves alone what has durably ended. */
  const guard = () => {
    const last = records.at(-1)?.event
    if (!host.guarded || (last?.type === 'moved' && isTerminal(last.to))) return
    host.fired = true
    host.guarded = false
    host.running = host.profile = host.bootDefault = old.storePath
  }
  return { host, records, ports, reboot, guard, effects: () => effects }
}

const stories: Record<string, { story: Story; ends: string }> = {
  'a good generation': { story: {}, ends: 'committed' },
  'a refused one': { story: { refused: true }, ends: 'refused' },
  'one that breaks a service': { story: { regression: 'web.service failed' }, ends: 'rolled-back' },
  'one that cuts the network': { story: { answer: 'deadline' }, ends: 'rolled-back' },
  'one cancelled before anything changed': { story: { cancelEarly: true }, ends: 'cancelled' },
  'a cancelled one': { story: { answer: 'cancelled' }, ends: 'rolled-back' },
  'a boot loader that fails': { story: { commitFails: true }, ends: 'rolled-back' },
  'a rollback that fails twice': { story: { answer: 'deadline', restoreFailures: 2 }, ends: 'rolled-back' },
  'an emergency rollback': { story: { kind: 'rollback' }, ends: 'rolled-back' }
}

const allowed = new Set(['committed', 'rolled-back', 'refused', 'cancelled'])

for (const [name, { story, ends }] of Object.entries(stories)) {
  t.test(`${name} ends ${ends}`, async (t) => {
    const w = world(story)
    t.equal(await runOperation(w.ports(null)), ends)
    const wanted = ends === 'committed' ? next.storePath : old.storePath
    t.match(w.host, { running: wanted, profile: wanted, bootDefault: wanted, guarded: false })
    const before = w.records.length
    t.equal(await runOperation(w.ports(null)), ends, 'running it again changes nothing')
    t.equal(w.records.length, before)
  })

  t.test(
    `${name}, killed before and after every effect, with a kill, a power cut, or the guard in between`,
    async (t) => {
      const calm = world(story)
      await runOperation(calm.ports(null))
      let runs = 0
      for (let at = 1; at <= calm.effects(); at++) {
        for (const after of [false, true]) {
          for (const fate of ['kill', 'power cut', 'guard'] as const) {
            const w = world(story)
            await runOperation(w.ports({ at, after })).catch(() => {})
            if (fate === 'power cut') w.reboot()
            if (fate === 'guard') w.guard()
            const end = await runOperation(w.ports(null))
            const wanted = end === 'committed' ? next.storePath : old.storePath
            const good =
              w.host.running === wanted && w.host.profile === wanted && w.host.bootDefault === wanted
            if (
              !good ||
              w.host.guarded ||
              !allowed.has(end) ||
              (ends !== 'committed' && end === 'committed')
            ) {
              t.fail(`effect ${at}, ${after ? 'after' : 'before'}, ${fate}: ${end}`, {
                found: w.host
              })
            }
            runs += 1
          }
        }
      }
      t.ok(runs > 0, `${runs} crashes`)
    }
  )
}
