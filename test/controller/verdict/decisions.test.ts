import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { appendDecision, readDecisions } from '../../../controller/verdict/decisions.ts'
import type { SoakRecord } from '../../../shared/verdict/record.ts'
import { decisionAbout, saidAbout } from '../../../shared/verdict/record.ts'
import { storePath } from '../fakes/fleet-host.ts'

const signed = {
  host: 'galena',
  storePath: storePath('b'),
  by: 'ada',
  at: '2026-03-02T09:00:00.000Z',
  reason: 'known'
}
const extend: SoakRecord = { ...signed, type: 'extend', days: 3 }
const waive: SoakRecord = { ...signed, type: 'waive', criterion: 'coverage', expires: null }
const decide: SoakRecord = { ...signed, type: 'decide', decision: 'go', verdict: 'CONDITIONAL GO' }

t.test('what was said is there afterwards, for its own generation alone', async (t) => {
  const file = join(t.testdir({}), 'd.jsonl')
  t.same(await readDecisions(file), [])
  for (const record of [extend, extend, waive, decide]) await appendDecision(file, record)
  const records = await readDecisions(file)
  t.same(records, [extend, extend, waive, decide])
  t.match(saidAbout(records, 'galena', storePath('b')), {
    extraDays: 6,
    waivers: [{ criterion: 'coverage' }]
  })
  t.same(saidAbout(records, 'galena', storePath('c')), { extraDays: 0, waivers: [] })
  t.same(saidAbout(records, 'cinnabar', storePath('b')), { extraDays: 0, waivers: [] })
  t.equal(decisionAbout(records, 'galena', storePath('b'))?.decision, 'go')
  t.equal(decisionAbout(records, 'galena', storePath('c')), null)
})

t.test('a write that was cut off was never said, and the next one does not join it', async (t) => {
  const file = join(t.testdir({}), 'd.jsonl')
  await appendDecision(file, extend)
  appendFileSync(file, '{"type":"waive","criterion":"cov')
  t.same(await readDecisions(file), [extend])
  await appendDecision(file, waive)
  t.same(await readDecisions(file), [extend, waive])
  t.equal(readFileSync(file, 'utf8').split('\n').length, 3)
})

t.test('what cannot be read stops everything, with its line', async (t) => {
  const file = join(t.testdir({}), 'd.jsonl')
  await appendDecision(file, extend)
  for (const bad of [
    'nonsense',
    '{}',
    JSON.stringify({ ...waive, extra: 1 }),
    JSON.stringify({ ...extend, days: -3 })
  ]) {
    writeFileSync(file, `${JSON.stringify(extend)}\n${bad}\n`)
    await t.rejects(readDecisions(file), { code: 'invalid-decisions', message: /d\.jsonl:2/ }, bad)
    await t.rejects(appendDecision(file, waive), { code: 'invalid-decisions' })
  }
  await t.rejects(readDecisions(t.testdir({})), { code: 'invalid-decisions' })
  await t.rejects(appendDecision('/nowhere/d.jsonl', extend), {
    message: /name another file with --decisions/
  })
})

t.test('a record is one line with something in it', async (t) => {
  const file = join(t.testdir({}), 'd.jsonl')
  for (const change of [
    { reason: 'a\nb' },
    { reason: ' ' },
    { by: '' },
    { by: '\u001b[2J' },
    { at: 'now' }
  ]) {
    await t.rejects(appendDecision(file, { ...extend, ...change } as SoakRecord), {
      code: 'invalid-decisions'
    })
  }
})
