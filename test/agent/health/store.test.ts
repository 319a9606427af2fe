import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { fold } from '../../../agent/health/state.ts'
import { nothingKept, readKept, writeKept } from '../../../agent/health/store.ts'

const sample = { check: 'a', at: 5, result: 'fail', value: 1, durationMs: 2, message: 'm' } as const
const standing = fold(null, sample, { forMs: 0, maxStepMs: 1 })

t.test('what is kept comes back', async (t) => {
  const dir = t.testdir({ reserve: 'set aside' })
  t.same(await readKept(dir), { ...nothingKept, problem: null }, 'nothing yet')
  const kept = { standings: { a: standing }, memories: { b: { bootId: 'x' } } }
  await writeKept(dir, kept)
  t.same(await readKept(dir), { ...kept, problem: null })
  t.same(
    readdirSync(dir).toSorted(),
    ['checks', 'reserve'],
    'beside the reserve of the state directory, not with it'
  )
})

t.test('a damaged file is as good as none, and says so', async (t) => {
  const dir = t.testdir()
  mkdirSync(join(dir, 'checks'))
  const file = join(dir, 'checks/state.json')
  for (const text of ['', '{', 'null', '[]', '{"version":2}', '{"version":1,"standings":{"a":null}}']) {
    writeFileSync(file, text)
    t.match(await readKept(dir), { standings: {}, memories: {}, problem: /state\.json: / }, text)
  }
  await writeKept(dir, { standings: { a: standing }, memories: {} })
  const good = JSON.parse(readFileSync(file, 'utf8')) as { standings: object }
  for (const bad of [
    { since: null },
    { failedMs: 'x' },
    { changes: 1 },
    { last: { ...sample, result: 'fine' } }
  ]) {
    writeFileSync(file, JSON.stringify({ ...good, standings: { a: { ...standing, ...bad } } }))
    t.same((await readKept(dir)).standings, {}, JSON.stringify(bad))
  }
  await fc.assert(
    fc.asyncProperty(fc.json(), async (text) => {
      writeFileSync(file, text)
      await readKept(dir)
    }),
    { numRuns: 50 }
  )
})
