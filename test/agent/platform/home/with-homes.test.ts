import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import type { JournalRecord } from '../../../../agent/journal/journal.ts'
import type { Accepted, Baseline, Event, Outcome } from '../../../../agent/operation/events.ts'
import type { Ports } from '../../../../agent/operation/ports.ts'
import { runOperation } from '../../../../agent/operation/runner.ts'
import { listOperations, readOperation } from '../../../../agent/operation/store.ts'
import type { HomePart } from '../../../../agent/platform/home/part.ts'
import { withHomes } from '../../../../agent/platform/home/with-homes.ts'
import type { PortsOptions } from '../../../../agent/platform/platform.ts'

const path = (letter: string, name: string) => `/nix/store/${letter.repeat(32)}-${name}`
const old = { system: path('a', 'system'), home: path('b', 'home') }
const next = { system: path('c', 'system'), home: path('d', 'home') }
const ID = '20260102T030405678Z-00000000'
const accepted: Accepted = {
  ...{ type: 'accepted', id: ID, kind: 'activate', profile: 'system', principal: 'operate', reason: null },
  target: { number: null, storePath: next.system },
  homes: [{ user: 'alice', storePath: next.home }],
  confirm: { by: 'connection', windowSeconds: 60 },
  idempotency: null
}
const ended = (status: string): Outcome => ({ result: 'success', code: 'exited', status })

/** What goes wrong. */
interface Story {
  readonly systemStatus?: string
  readonly homeStatus?: string
  readonly systemWorse?: true
  readonly homeWorse?: true
  readonly nobodyConfirms?: true
  readonly homeCommitFails?: true
  readonly homeStays?: true
  readonly homeSettles?: () => Promise<void>
}
type Fate = 'kill' | 'power cut'
class Crash extends Error {}

/** A host in memory with one home. It survives the deaths of the runner; a reboot runs what the profile names. */
function world(directory: string, story: Story) {
  const records: JournalRecord<Event>[] = []
  const host = { running: old.system, profile: old.system, home: old.home, homeProfile: old.home, boot: 1 }
  const kept = { started: false, begun: false, ran: false, left: null as string | null, settled: false }
  const warned: string[] = []
  const write = (event: Event) => {
    const stamp = { at: '2026-01-02T03:04:05Z', bootId: `${host.boot}`, monotonicMs: records.length }
    records.push({ seq: records.length, event, ...stamp, previous: '', hash: '' })
    return records.at(-1) as JournalRecord<Event>
  }
  write(accepted)
  mkdirSync(directory, { recursive: true })

  /** One life of the runner: it dies in front of its n-th effect, and nothing works for it after that. */
  const life = (deathAt: number, lived: { effects: number }): Ports => {
    let dead = false
    const effect = async <T>(act: () => T): Promise<T> => {
      if (dead) throw new Crash()
      lived.effects += 1
      dead = lived.effects === deathAt
      if (dead) throw new Crash()
      return act()
    }
    const set = (change: Partial<typeof host>) => effect(() => void Object.assign(host, change))
    const journal = { records, append: (event: Event) => effect(() => write(event)), close: async () => {} }
    const baseline = (running: string, profile: string): Baseline => ({
      ...{ type: 'baseline', failedUnits: [] },
      generation: { number: null, storePath: running },
      profile: { number: null, storePath: profile }
    })
    const { systemStatus = '0', homeStatus = '0' } = story
    const nothing = () => effect(() => {})
    const system: Ports = {
      ...{
        journal,
        bootId: `${host.boot}`,
        activationUnit: 'x',
        ...{ activationSeconds: 60, verifySeconds: 60, bootSeconds: 60 }
      },
      ...{ monotonicMs: () => 0, wallAt: () => 't', newNonce: () => 'n', backOff: async () => null },
      ...{ fetch: nothing, arm: nothing, stage: nothing, unstage: nothing, reboot: nothing },
      ...{ guardFired: async () => false, cancelRequested: async () => false, mayReboot: async () => false },
      ...{ bootFinished: nothing, runningPath: async () => host.running, untouched: async () => null },
      settle: () =>
        effect(() => {
          kept.settled = true
        }),
      check: () => effect(() => baseline(host.running, host.profile)),
      startActivation: () =>
        effect(() => {
          kept.started = true
          host.running = next.system
        }),
      // Nobody knows of one that was never started.
      activationOutcome: async () => (kept.started ? ended(systemStatus) : null),
      regression: async (_, __, outcome) =>
        story.systemWorse ? 'sshd failed' : outcome?.status === '0' ? null : `exited ${outcome?.status}`,
      awaitAnswer: async () => (story.nobodyConfirms ? 'deadline' : { confirmedBy: 'operate' }),
      commit: () => set({ profile: next.system }),
      restore: (target, profile) => set({ running: target.storePath, profile: profile.storePath })
    }
    const part: HomePart = {
      ...{ user: 'alice', limitSeconds: 60, fetch: nothing, ready: nothing },
      settle: story.homeSettles ?? nothing,
      check: () => effect(() => baseline(host.home, host.homeProfile)),
      wayBack: async () => ['true'],
      isBegun: async () => kept.begun,
      activate: async () => {
        if (!kept.begun) {
          await effect(() => {
            kept.begun = true
          })
          await effect(() => {
            kept.ran = true
            host.home = next.home
          })
        }
        return kept.ran ? ended(homeStatus) : null
      },
      failure: async () => (kept.begun && (homeStatus !== '0' || !kept.ran) ? 'its activation failed' : null),
      worse: async () => (story.homeWorse ? 'web.service failed' : null),
      commit: async () => {
        if (story.homeCommitFails) throw new Error('no space')
        await set({ homeProfile: next.home })
      },
      restore: async ({ generation, profile }) => {
        if (story.homeStays) throw new Error('it is gone')
        await set({ home: generation.storePath, homeProfile: profile.storePath })
      },
      leave: (why) =>
        effect(() => {
          kept.left = why
        }),
      left: async () => kept.left
    }
    const settings = { stateDirectory: directory, confirm: { windowSeconds: 60 } }
    const warn = async (text: string) => void warned.push(text)
    const options = { id: ID, directory, journal, bootId: `${host.boot}`, settings, warn }
    return withHomes(system, [part], options as unknown as PortsOptions)
  }
  const powerCut = () => {
    host.boot += 1
    host.running = host.profile
  }
  return { host, kept, records, warned, life, powerCut }
}

/** Runs an operation to its end through one death; gives how it ended and whether it died at all. */
async function through(directory: string, story: Story, deathAt: number, fate: Fate) {
  const w = world(directory, story)
  const lived = { effects: 0 }
  const first = await runOperation(w.life(deathAt, lived)).catch((error: unknown) => {
    if (error instanceof Crash) return null
    throw error
  })
  if (first === null && fate === 'power cut') w.powerCut()
  const end = first ?? (await runOperation(w.life(0, { effects: 0 })))
  return { ...w, end, died: lived.effects >= deathAt && deathAt > 0 }
}

const stories: readonly [string, Story, string, string | undefined][] = [
  ['all is well', {}, 'committed', undefined],
  ['the script of the system fails', { systemStatus: '2' }, 'rolled-back', 'regression'],
  ['the script of the home fails', { homeStatus: '1' }, 'rolled-back', 'home-failed'],
  ['the system is worse', { systemWorse: true }, 'rolled-back', 'regression'],
  ['the home is worse', { homeWorse: true }, 'rolled-back', 'home-failed'],
  ['nobody confirms', { nobodyConfirms: true }, 'rolled-back', 'confirm-timeout'],
  ['the home cannot be committed', { homeCommitFails: true }, 'rolled-back', 'home-failed']
]

const both = ({ system, home }: typeof old) => ({
  ...{ running: system, profile: system, home, homeProfile: home }
})

for (const [name, story, wanted, code] of stories)
  t.test(`${name}: system and home end together`, async (t) => {
    const w = await through(t.testdir(), story, 0, 'kill')
    t.equal(w.end, wanted)
    t.match(w.host, both(wanted === 'committed' ? next : old))
    const last = w.records.at(-1)?.event
    t.equal(last?.type === 'moved' ? last.code : null, code)
  })

t.test(
  'the runner dies, or the power goes, in front of any effect: never one of the two alone',
  async (t) => {
    let deaths = 0
    for (const [name, story] of stories)
      for (const fate of ['kill', 'power cut'] as const)
        for (let deathAt = 1; ; deathAt += 1) {
          const w = await through(join(t.testdir(), `${deaths}`), story, deathAt, fate)
          if (!w.died) break
          deaths += 1
          t.match(
            w.host,
            both(w.end === 'committed' ? next : old),
            `${name}, ${fate} at ${deathAt}: ${w.end}`
          )
        }
    t.ok(deaths > 150, `${deaths} deaths`)
  }
)

t.test('the script of the system fails: the home is not begun', async (t) => {
  const w = await through(t.testdir(), { systemStatus: '2' }, 0, 'kill')
  t.equal(w.kept.begun, false)
})

async function handedOver(t: Test, directory: string) {
  const root = join(directory, 'operations')
  const [id = ''] = await listOperations(root)
  t.match((await readOperation(root, id)).accepted, {
    ...{ kind: 'rollback', profile: 'home:alice', principal: `operation ${ID}` },
    target: { storePath: old.home }
  })
}

t.test(
  'a home that does not come back gets an operation of its own; the system is back and free',
  async (t) => {
    const directory = t.testdir()
    const w = await through(directory, { nobodyConfirms: true, homeStays: true }, 0, 'kill')
    t.equal(w.end, 'rolled-back')
    t.match(w.host, { running: old.system, profile: old.system, home: next.home })
    await handedOver(t, directory)
    t.match(w.warned, [/the home of alice did not come back with the system/])
  }
)

t.test('a home that does not answer at the end keeps nothing else from being done', async (t) => {
  const directory = t.testdir()
  const asked = Promise.withResolvers<void>()
  const homeSettles = () => {
    asked.resolve()
    return new Promise<void>(() => {})
  }
  const story = { nobodyConfirms: true, homeStays: true, homeSettles } as const
  const w = world(directory, story)
  void runOperation(w.life(0, { effects: 0 }))
  await asked.promise
  t.equal(w.kept.settled, true)
  await handedOver(t, directory)
})
