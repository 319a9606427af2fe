import fc from 'fast-check'
import t from 'tap'
import type { Candidate, Evidence } from '../../../agent/retention/plan.ts'
import { planRetention } from '../../../agent/retention/plan.ts'

const DAY_MS = 86_400_000
const nowMs = Date.parse('2026-06-01T00:00:00Z')
const path = (n: number) => `/nix/store/${String(n).padStart(32, '0')}-nixos-system`
const generation = (number: number, days: number, systems = [path(number)]): Candidate => ({
  number,
  storePath: systems[0] ?? '',
  createdAt: new Date(nowMs - days * DAY_MS).toISOString(),
  systems
})
const nothing = { profile: 'system', number: null, storePath: null, running: null, booted: null } as const
const evidence = (generations: Candidate[], rest: Partial<Evidence> = {}): Evidence => ({
  generations,
  seen: { ...nothing, bootDefault: null, drift: false },
  knownGood: [],
  unfinished: [],
  ...rest
})
const rule = { keep: 5, days: 30, nowMs }
const old = (count: number) => Array.from({ length: count }, (_, i) => generation(i + 1, 90))
const reasonsOf = (of: Evidence, number: number) =>
  planRetention(of, rule).find((row) => row.number === number)?.reasons

t.test('the newest stay by number, the young by age, to the millisecond', async (t) => {
  const rows = planRetention(evidence([...old(6), generation(9, 30), generation(10, 29.99)]), rule)
  t.same(
    rows.filter(({ keep }) => !keep).map(({ number }) => number),
    [1, 2, 3]
  )
  t.same(rows.at(-1)?.reasons, ['newest', 'young'])
  t.same(rows.at(-2)?.reasons, ['newest'])
})

t.test('each reason speaks for its generation', async (t) => {
  const seen = { number: 1, running: path(2), booted: path(3), bootDefault: path(4) }
  const of = evidence(old(12), {
    seen: { ...nothing, ...seen, drift: true },
    knownGood: [path(5)],
    unfinished: [path(6)]
  })
  const wanted = ['profile', 'running', 'booted', 'boot-default', 'last-known-good', 'operation'] as const
  for (const [i, reason] of wanted.entries()) t.same(reasonsOf(of, i + 1), [reason])
  t.same(reasonsOf(of, 7), [])
})

t.test('a specialisation that runs keeps its generation', async (t) => {
  const special = generation(1, 90, [path(1), path(77)])
  const seen = { ...nothing, running: path(77), bootDefault: null, drift: false }
  t.same(reasonsOf(evidence([special, ...old(9).slice(1)], { seen }), 1), ['running'])
})

t.test('a clock that is wrong, or a time that cannot be read, deletes nothing young', async (t) => {
  const odd = [{ ...generation(1, 0), createdAt: '' }, generation(2, -5000), ...old(9).slice(2)]
  t.same(reasonsOf(evidence(odd), 1), ['young'])
  t.same(reasonsOf(evidence(odd), 2), ['young'])
})

t.test('whatever there is: what is needed stays, and every verdict has its reason', async () => {
  const number = fc.integer({ min: 1, max: 40 })
  const maybe = fc.option(number.map(path))
  const seen = fc.record({ running: maybe, booted: maybe, bootDefault: maybe, number: fc.option(number) })
  const ages = fc.array(fc.integer({ min: -10, max: 400 }), { maxLength: 40 })
  const keep = fc.integer({ min: 5, max: 20 })
  fc.assert(
    fc.property(ages, seen, fc.array(number.map(path)), keep, (days, what, unfinished, keep) => {
      const generations = days.map((age, i) => generation(i + 1, age))
      const of = evidence(generations, { seen: { ...nothing, ...what, drift: false }, unfinished })
      const rows = planRetention(of, { ...rule, keep })
      const needed = [what.running, what.booted, what.bootDefault, ...unfinished]
      return (
        rows.length === generations.length &&
        rows.filter((row) => row.keep).length >= Math.min(keep, generations.length) &&
        rows.every((row) => row.keep === row.reasons.length > 0) &&
        rows.every((row) => row.keep || (!needed.includes(row.storePath) && row.number !== what.number))
      )
    })
  )
})
