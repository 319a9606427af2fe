import fc from 'fast-check'
import { validate } from 'node-cron'
import t from 'tap'
import { parseSettings } from '../../../agent/config/settings.ts'
import { cronProblem } from '../../../agent/health/cron.ts'

const parse = (retention: unknown) => parseSettings(JSON.stringify({ retention }), 'f').retention

t.test('off by default, and what is wrong is named', async (t) => {
  t.same(parseSettings('{}', 'f').retention, { keep: 5, days: 30, schedule: null })
  t.same(parse({ schedule: '30 4 * * 0' }), { keep: 5, days: 30, schedule: '30 4 * * 0' })
  for (const [key, value] of [
    ['keep', 4],
    ['keep', 1.5],
    ['days', -1],
    ['schedule', ''],
    ['schedule', 'daily'],
    ['schedule', '* * * * * *'],
    ['schedule', '60 * * * *'],
    ['schedule', '* 24 * * *'],
    ['schedule', '* * 0 * *'],
    ['schedule', '* * * 13 *'],
    ['schedule', '* * * * 8'],
    ['schedule', '*/0 * * * *'],
    ['schedule', '* * * *\n*'],
    ['schedule', '0 0 31 4 0'],
    ['schedule', '0 0 30 2 *']
  ] as const)
    t.throws(() => parse({ [key]: value }), { code: 'invalid-config', at: `retention.${key}`, found: value })
})

t.test('what is allowed is a schedule to node-cron as well', async (t) => {
  const field = (min: number, max: number) => {
    const n = fc.integer({ min, max })
    const range = fc.tuple(n, n).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`)
    const step = fc.tuple(fc.constantFrom('*'), fc.integer({ min: 1, max: 30 })).map(([a, b]) => `${a}/${b}`)
    return fc
      .array(fc.oneof(n.map(String), range, step), { minLength: 1, maxLength: 3 })
      .map((all) => all.join(','))
  }
  const text = fc
    .tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7))
    .map((fields) => fields.join(' '))
  const comes = text.filter((schedule) => cronProblem(schedule) === null)
  fc.assert(fc.property(comes, (schedule) => parse({ schedule }).schedule === schedule && validate(schedule)))
  t.ok(validate('30 4 * * 0'))
})
