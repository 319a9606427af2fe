import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Test } from 'tap'
import t from 'tap'
import type { Work } from '../../../../agent/health/history/job.ts'
import { doWork } from '../../../../agent/health/history/job.ts'
import type { Sample } from '../../../../shared/api/checks.ts'

const HOUR = 3_600_000
const start = Date.parse('2026-03-01T00:00:00Z')
const sample = (at: number, more: Partial<Sample> = {}): Sample => ({
  ...{ check: 'disk', at, result: 'pass', value: 1, durationMs: 3, message: 'fine' },
  ...more
})

function place(t: Test) {
  const directory = mkdtempSync(join(tmpdir(), 'belay-history-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'history.sqlite')
  const work = (more: Partial<Work> = {}, at = start) =>
    doWork(
      {
        ...{ file, retention: { days: 30, maxBytes: 64 * 1024 * 1024 } },
        ...{ verify: true, write: [], tend: false, query: null },
        ...more
      },
      new Date(at)
    )
  return { directory, file, work }
}

t.test('what was written is there, and summed up at once', async (t) => {
  const { work } = place(t)
  const minutes = Array.from({ length: 120 }, (_, i) => sample(start + i * 60_000, { value: i }))
  work({ write: minutes })
  work({ write: [sample(start + 60_000, { result: 'fail', value: 7, message: "no ' room" })] })
  const interval = { from: start, to: start + 2 * HOUR }
  const { samples } = work({ query: { type: 'samples', check: 'disk', interval, limit: 3 } })
  t.match(samples, [
    { at: '2026-03-01T00:00:00.000Z', result: 'pass', value: 0, message: '' },
    { result: 'fail', value: 7, message: "no ' room" },
    { value: 2 }
  ])
  const { hours } = work({ query: { type: 'hours', check: 'disk', interval, limit: 10 } })
  t.match(hours, [
    { hour: '2026-03-01T00:00:00.000Z', pass: 59, fail: 1, max: 59 },
    { hour: '2026-03-01T01:00:00.000Z', pass: 60, median: 89.5 }
  ])
  t.same(work({ query: { type: 'hours', check: 'other', interval, limit: 10 } }).hours, [])
})

t.test('an hour that an activation cuts is counted on both sides of it', async (t) => {
  const { work } = place(t)
  work({
    write: Array.from({ length: 180 }, (_, i) => sample(start + i * 60_000, { value: i < 90 ? 1 : 5 }))
  })
  const cut = start + 1.5 * HOUR
  const { soak } = work({
    query: {
      ...{ type: 'soak', checks: ['disk', 'absent'], baseline: { from: start, to: cut } },
      soak: { from: cut, to: start + 3 * HOUR }
    }
  })
  t.match(soak.disk?.baseline, [
    { pass: 60, max: 1 },
    { hour: '2026-03-01T01:00:00.000Z', pass: 30, max: 1 }
  ])
  t.match(soak.disk?.soak, [
    { hour: '2026-03-01T01:00:00.000Z', pass: 30, median: 5 },
    { pass: 60, median: 5 }
  ])
  t.same(soak.absent, { baseline: [], soak: [] })
})

t.test('F17: a damaged history goes aside and the work is done on an empty one', async (t) => {
  const damages: Record<string, (file: string) => void> = {
    'no database': (file) => writeFileSync(file, 'not a database '.repeat(500)),
    truncated: (file) => truncateSync(file, Math.floor(statSync(file).size / 4096 / 2) * 4096),
    'pages overwritten': (file) => writeFileSync(file, Buffer.alloc(8192, 0xa5), { flag: 'r+' }),
    'of a newer agent': (file) => {
      const db = new DatabaseSync(file)
      db.exec('PRAGMA user_version = 99')
      db.close()
    },
    'without its tables': (file) => {
      const db = new DatabaseSync(file)
      db.exec('DROP TABLE samples')
      db.close()
    }
  }
  for (const [name, damage] of Object.entries(damages)) {
    await t.test(name, async (t) => {
      const { directory, file, work } = place(t)
      work({ write: Array.from({ length: 2000 }, (_, i) => sample(start + i * 60_000)) })
      damage(file)
      const done = work({ write: [sample(start)] })
      t.match(done.aside, /history\.sqlite\.damaged-/)
      const interval = { from: 0, to: start + 1e9 }
      const again = work({ query: { type: 'samples', check: 'disk', interval, limit: 10 } })
      t.equal(again.samples.length, 1)
      t.equal(again.aside, null)
      for (let i = 1; i < 5; i++) {
        writeFileSync(file, 'rubbish '.repeat(1000))
        work({ write: [sample(start)] }, start + i)
      }
      t.equal(readdirSync(directory).filter((each) => each.includes('damaged')).length, 2)
    })
  }
})

t.test('what is too old goes, and what is too much: samples first', async (t) => {
  const { work, file } = place(t)
  const days = (n: number) => start + n * 24 * HOUR
  const write = Array.from({ length: 40 * 24 }, (_, i) => sample(start + i * HOUR))
  work({ write })
  const count = (type: 'samples' | 'hours') =>
    work({ query: { type, check: 'disk', interval: { from: 0, to: days(1000) }, limit: 1e6 } })[type].length
  work({ tend: true, write: [sample(days(40))] }, days(40))
  t.equal(count('samples'), 30 * 24 + 1)
  t.equal(count('hours'), 40 * 24 + 1)
  work({ tend: true, write: [sample(days(430))] }, days(430))
  t.equal(count('samples'), 1)
  t.equal(count('hours'), 10 * 24 + 2)

  const small = { days: 30, maxBytes: 4 * 1024 * 1024 }
  for (let day = 0; day < 12; day++) {
    const many = Array.from({ length: 1440 * 10 }, (_, i) =>
      sample(days(500 + day) + Math.floor(i / 10) * 60_000, {
        ...{ check: `check-${i % 10}`, result: 'fail', message: 'x'.repeat(40) }
      })
    )
    const { bytes, aside } = work({ write: many, retention: small }, days(501 + day))
    t.ok(bytes <= small.maxBytes, `day ${day}: ${bytes}`)
    t.equal(aside, null, 'a full history is not a damaged one')
  }
  work({ tend: true, retention: small }, days(512))
  t.ok(statSync(file).size <= small.maxBytes, 'the file shrinks too')
  const interval = { from: days(500), to: days(512) }
  const left = work({
    query: { type: 'samples', check: 'check-1', interval, limit: 1e6 },
    retention: small
  }).samples
  t.ok(left.length > 100 && (left[0]?.at ?? '') > new Date(days(500)).toISOString(), 'the newest stay')
  const hours = work({
    query: { type: 'hours', check: 'check-1', interval, limit: 1e6 },
    retention: small
  }).hours
  t.equal(hours.length, 12 * 24, 'roll-ups stay')
})

t.test('a host that boots with its clock years ahead forgets nothing', async (t) => {
  const { work } = place(t)
  work({ write: Array.from({ length: 60 }, (_, i) => sample(start + i * 60_000)) })
  work({ tend: true }, start + 3 * 365 * 24 * HOUR)
  const interval = { from: start, to: start + HOUR }
  t.match(work({ query: { type: 'hours', check: 'disk', interval, limit: 10 } }).hours, [{ pass: 60 }])
  t.equal(work({ query: { type: 'samples', check: 'disk', interval, limit: 100 } }).samples.length, 60)
})

t.test('a write that fails leaves nothing of it', async (t) => {
  const { work } = place(t)
  const wrong = sample(start, { check: 'disk', value: 1 })
  t.throws(() => work({ write: [wrong, { ...wrong, at: 1.5 }] }))
  const interval = { from: 0, to: start + 1 }
  t.same(work({ query: { type: 'samples', check: 'disk', interval, limit: 10 } }).samples, [])
})
