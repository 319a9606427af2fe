import type { Test } from 'tap'
import t from 'tap'
import { parseSettings } from '../../../agent/config/settings.ts'
import { byNode, LOOK_MS } from '../../../agent/keep-schedule.ts'
import { scheduleRetention } from '../../../agent/retention/schedule.ts'
import { BelayError } from '../../../shared/errors.ts'

const settings = parseSettings('{"retention": {"schedule": "30 12 * * 0"}}', 'test')
const logged = () => {
  const lines: string[] = []
  return { lines, error: ((_: object, text: string) => void lines.push(text)) as never }
}

async function begin(t: Test, start = async () => {}) {
  const time = { now: 1e12, mono: 0 }
  const story: string[] = []
  let look = () => {}
  let due: () => Promise<unknown> = async () => {}
  const logger = logged()
  const stop = await scheduleRetention(settings, start, logger, {
    cron: ({ schedule, timeZone }, run) => {
      t.same([schedule, timeZone], ['30 12 * * 0', 'UTC'])
      due = run
      const say = (what: string) => () => void story.push(what)
      return { start: say('start'), stop: say('stop'), nextRunAt: () => null, intervalMs: () => null }
    },
    clock: { now: () => time.now, monotonicMs: () => time.mono },
    every: (ms, act) => {
      t.equal(ms, LOOK_MS)
      look = act
      return () => void story.push('no more watching')
    }
  })
  const pass = (mono: number, wall = mono) => {
    time.mono += mono
    time.now += wall
    look()
  }
  return { story, pass, stop, due: () => due(), lines: logger.lines }
}

t.test('a host that slept before the hour is not late by what it slept', async (t) => {
  const s = await begin(t)
  t.same(s.story, ['start'])
  s.pass(LOOK_MS)
  t.same(s.story, ['start'], 'time passes')
  s.pass(LOOK_MS, LOOK_MS + 8 * 3_600_000)
  t.same(s.story, ['start', 'stop', 'start'], 'it wakes')
  s.stop()
  t.same(s.story.slice(3), ['no more watching', 'stop'])
})

t.test('one that runs already is no news, another failure is told', async (t) => {
  const running = await begin(t, async () => {
    throw new BelayError('operation-running', 'it runs')
  })
  await running.due()
  t.same(running.lines, [])
  const broken = await begin(t, async () => {
    throw new Error('no')
  })
  await broken.due()
  t.same(broken.lines, ['retention did not start'])
})

t.test('without a schedule, and with none that there is, nothing is kept', async (t) => {
  const none = parseSettings('{}', 'test')
  const { lines, error } = logged()
  ;(await scheduleRetention(none, async () => {}, { error }))()
  t.same(lines, [])
  const wrong = { retention: { ...settings.retention, schedule: 'at noon' } }
  ;(await scheduleRetention(wrong, async () => {}, { error }, await byNode()))()
  t.same(lines, ['there is no such schedule; no generation is deleted'])
})

t.test("node-cron takes it, by this host's clocks", async (t) => {
  const { lines, error } = logged()
  ;(await scheduleRetention(settings, async () => {}, { error }))()
  t.same(lines, [])
})
