import fc from 'fast-check'
import { createTask, validate } from 'node-cron'
import t from 'tap'
import { cronProblem, isTimeZone, rhythmOf } from '../../../agent/health/cron.ts'

t.test('five plain fields, and nothing that never comes', async (t) => {
  for (const good of [
    '* * * * *',
    '*/5 * * * *',
    '0 3 1,15 * *',
    '7-59/10 8-18 * * 1-5',
    '0 0 29 2 *',
    '0 0 * * 7'
  ])
    t.equal(cronProblem(good), null, good)
  const bad = [
    ...[
      '',
      '* * * *',
      '* * * * * *',
      '60 * * * *',
      '* 24 * * *',
      '* * 0 * *',
      '* * * 13 *',
      '* * * * 8',
      '*/0 * * * *'
    ],
    ...[
      '5/10 * * * *',
      '9-5 * * * *',
      '@daily',
      'MON * * * *',
      '* * * JAN *',
      '*  * * * *',
      '0 0 31 2 *',
      '0 0 30 2 *'
    ],
    ...['1,,2 * * * *', '-1 * * * *', '1e1 * * * *', '\n* * * * *', '99999999999 * * * *']
  ]
  for (const each of bad) t.type(cronProblem(each), 'string', JSON.stringify(each))
})

t.test('what it takes node-cron takes too, and finds the next time', async () => {
  const field = (from: number, to: number) => {
    const number = fc.integer({ min: from, max: to })
    const span = fc.tuple(number, number).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`)
    const step = fc.integer({ min: 1, max: 20 })
    const part = fc.oneof(
      fc.constant('*'),
      number.map(String),
      span,
      step.map((by) => `*/${by}`),
      fc.tuple(span, step).map(([a, by]) => `${a}/${by}`)
    )
    return fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(','))
  }
  const cron = fc
    .tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7))
    .map((fields) => fields.join(' '))
  fc.assert(
    fc.property(cron, (expression) => {
      if (cronProblem(expression) !== null) return
      if (!validate(expression)) throw new Error(`node-cron refuses ${expression}`)
      const task = createTask(expression, () => {}, { timezone: 'UTC' })
      void task.start()
      const next = task.getNextRun()
      void task.destroy()
      if (next === null) throw new Error(`never: ${expression}`)
    }),
    { numRuns: 100 }
  )
})

t.test('how often it comes, whatever the time is', async (t) => {
  const minute = 60_000
  const cases: [string, number, number][] = [
    ['* * * * *', 60, minute],
    ['*/5 * * * *', 12, 5 * minute],
    ['*/7 * * * *', 9, 4 * minute],
    ['0 9-17 * * *', 9 / 24, 60 * minute],
    ['0 4 * * *', 1 / 24, 24 * 60 * minute],
    ['0,1 0 * * 1-5', (2 * 5) / 7 / 24, minute],
    ['0 0 * * 0,7', 1 / 7 / 24, 24 * 60 * minute],
    ['0 0 1 * *', (12 * 28) / (28 * 365.25) / 24, 24 * 60 * minute],
    ['55,5 0,23 * * *', 4 / 24, 10 * minute]
  ]
  for (const [schedule, perHour, leastMs] of cases) {
    const rhythm = rhythmOf(schedule)
    t.ok(Math.abs(rhythm.perHour - perHour) < 1e-9, `${schedule}: ${rhythm.perHour}`)
    t.equal(rhythm.leastMs, leastMs, schedule)
  }
})

t.test('any text is judged and never throws', async () => {
  fc.assert(
    fc.property(fc.string(), (text) =>
      [null, 'string'].includes(cronProblem(text) === null ? null : 'string')
    )
  )
})

t.test('time zones', async (t) => {
  for (const good of ['UTC', 'Europe/Berlin', 'America/New_York']) t.ok(isTimeZone(good), good)
  for (const bad of ['', 'Mars/Olympus', '+01:00', '../etc/passwd']) t.notOk(isTimeZone(bad), bad)
})
