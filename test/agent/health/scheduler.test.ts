import t from 'tap'
import { DRIFT_MS } from '../../../agent/clock-jumps.ts'
import { parseChecks } from '../../../agent/config/checks.ts'
import type { Checks } from '../../../agent/health/checks.ts'
import { nodeCron, startScheduler } from '../../../agent/health/scheduler.ts'

const places = { stateDirectory: '/var/lib/belay', bootDirectory: '/boot' }
const settings = parseChecks(
  { fresh: { kind: 'drift' }, old: { kind: 'drift' }, never: { kind: 'drift' } },
  places
)

function begin() {
  const time = { now: 1e12, mono: 7_200_000 }
  const ran: string[] = []
  const story: string[] = []
  const due = new Map<string, () => Promise<unknown>>()
  const acts: { every?: () => void; once?: () => void; ms?: number } = {}
  const lastRuns: Record<string, number | null> = { fresh: 1e12 - 1000, old: 1e12 - 900_000, never: null }
  const checks = {
    settings,
    plan: { nextRunAt: () => null, intervalMs: () => null },
    run: async (name: string) => {
      ran.push(name)
      if (name === 'old') throw new Error('no')
    },
    ranAt: (name: string) => lastRuns[name] ?? null
  } as unknown as Checks
  const warned: string[] = []
  const stop = startScheduler({
    checks,
    clock: { now: () => time.now, monotonicMs: () => time.mono },
    cron: ({ name }, run) => {
      due.set(name, run)
      const say = (what: string) => () => void story.push(`${name} ${what}`)
      return { start: say('start'), stop: say('stop'), nextRunAt: () => 7, intervalMs: () => 300_000 }
    },
    every: (ms, act) => {
      acts.every = act
      acts.ms = ms
      return () => void story.push('no more watching')
    },
    once: (_, act) => {
      acts.once = act
      return () => void story.push('no first run')
    },
    warn: (_, text) => void warned.push(text)
  })
  /** Time passes, by the monotonic clock and by the wall. */
  const pass = (mono: number, wall = mono) => {
    time.mono += mono
    time.now += wall
    acts.every?.()
  }
  return { time, ran, story, due, acts, checks, warned, stop, pass }
}

t.test('what is due runs, and what goes wrong stays here', async (t) => {
  const s = begin()
  await s.due.get('fresh')?.()
  await s.due.get('old')?.()
  t.same(s.ran, ['fresh', 'old'])
  t.match(s.warned, [/check old could not be run/])
  t.equal(s.checks.plan.nextRunAt('fresh'), 7)
  t.equal(s.checks.plan.nextRunAt('other'), null)
})

t.test('after the start only what has not run for its interval runs', async (t) => {
  const s = begin()
  s.acts.once?.()
  t.same(s.ran, ['old', 'never'])
})

t.test('after a boot everything runs, however short the one before was', async (t) => {
  const s = begin()
  s.time.mono = 900
  s.acts.once?.()
  t.same(s.ran, ['fresh', 'old', 'never'])
})

t.test('schedules begin anew when the clock has jumped, and only then', async (t) => {
  const s = begin()
  t.ok((s.acts.ms ?? 0) >= 10_000 && s.acts.ms === DRIFT_MS, 'looked at seldom')
  s.story.length = 0
  for (let i = 0; i < 100; i++) s.pass(DRIFT_MS, DRIFT_MS + 50)
  t.same(s.story, [], 'slow correction of the clock is no jump')
  const anew = settings.flatMap(({ name }) => [`${name} stop`, `${name} start`])
  for (const jump of [3_600_000, -3_600_000, 86_400_000, -5000]) {
    s.pass(DRIFT_MS, DRIFT_MS + jump)
    t.same(s.story, anew, `${jump} ms`)
    s.story.length = 0
    s.pass(DRIFT_MS)
    t.same(s.story, [], 'once')
  }
  s.stop()
  t.same(s.story, ['no more watching', 'no first run', ...settings.map(({ name }) => `${name} stop`)])
})

t.test('node-cron keeps a schedule in its zone', async (t) => {
  const cron = await nodeCron()
  const [setting] = parseChecks(
    { noon: { kind: 'drift', schedule: '0 12 * * *', timeZone: 'Asia/Tokyo', jitterSeconds: 5 } },
    places
  )
  if (!setting) return t.fail('no setting')
  const task = cron(setting, async () => {})
  task.start()
  t.equal(new Date(task.nextRunAt() ?? 0).getUTCHours(), 3)
  t.equal(task.intervalMs(), 86_400_000)
  task.stop()
  task.start()
  t.ok((task.nextRunAt() ?? 0) > Date.now(), 'armed again')
  task.stop()
})
