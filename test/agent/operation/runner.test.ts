import fc from 'fast-check'
import t from 'tap'
import { bound, tellStory } from './schedules.ts'
import type { Death, Story } from './world.ts'
import { fates, stories, third, world } from './world.ts'

for (const [name, told] of Object.entries(stories)) tellStory(t, name, told)

const anyStory: fc.Arbitrary<Story> = fc
  .record({
    kind: fc.constantFrom('activate', 'activate', 'activate', 'rollback'),
    by: fc.constantFrom('connection', 'health'),
    mode: fc.constantFrom('switch', 'switch', 'boot'),
    bootFails: fc.constantFrom(false, false, true),
    bootsCandidateAgain: fc.constantFrom(false, false, true),
    answer: fc.constantFrom('confirm', 'cancel', 'nobody'),
    refused: fc.constantFrom(false, false, false, true),
    cancelEarly: fc.constantFrom(false, false, false, false, true),
    cancelLate: fc.constantFrom(false, false, false, true),
    commitFails: fc.constantFrom(false, false, false, true),
    restoreFailures: fc.nat(3),
    failing: fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 2 })
  })
  // Who asks for a rollback again means the same one: nothing cancels it.
  .map((story) => (story.kind === 'rollback' ? { ...story, cancelEarly: false, cancelLate: false } : story))
const anyDeath: fc.Arbitrary<Death> = fc.record({
  at: fc.integer({ min: 1, max: 25 }),
  fate: fc.constantFrom(...fates)
})

t.test('1000 random schedules of deaths, reboots, guards and failing effects strand no host', async (t) => {
  const seed = Number(process.env.BELAY_SEED ?? Date.now() & 0x7fffffff)
  t.comment(`seed ${seed}; repeat with BELAY_SEED=${seed}`)
  let committed = 0
  const property = fc.asyncProperty(anyStory, fc.array(anyDeath, { maxLength: 6 }), async (story, deaths) => {
    const w = world(story)
    const end = await w.live(deaths)
    const complaint = w.stranded(end)
    if (complaint !== null) throw new Error(complaint)
    if (w.records.length > bound(deaths.length + 6)) throw new Error(`${w.records.length} records`)
    committed += end === 'committed' ? 1 : 0
  })
  await fc.assert(property, { numRuns: 1000, seed })
  t.ok(committed > 10, `${committed} of them ended committed`)
})

t.test('the guard waits for the look at a candidate that is confirmed in the last moment', async (t) => {
  const w = world({ answer: 'late' })
  t.equal(await w.live(), 'committed')
  t.equal(w.stranded('committed'), null)
})

t.test('a cancellation that comes while the confirmation is looked at still counts', async (t) => {
  const w = world({ cancelLate: true })
  t.equal(await w.live(), 'rolled-back')
  t.equal(w.stranded('rolled-back'), null)
})

t.test(
  "a candidate whose script finds the lock taken changes nothing, and undoes nobody's work",
  async (t) => {
    const w = world({ locked: true })
    w.host.running = w.host.profile = w.host.bootDefault = third.storePath
    t.equal(await w.live(), 'rolled-back')
    t.match(w.host, { running: third.storePath, profile: third.storePath, bootDefault: third.storePath })
  }
)

t.test('a rollback that is stuck goes where a person went, or asks for', async (t) => {
  for (const stuckUntil of ['by hand', 'asked'] as const) {
    const w = world({ answer: 'nobody', restoreFailures: 1000, stuckUntil })
    t.equal(await w.live(), 'rolled-back', stuckUntil)
    t.match(w.host, { running: third.storePath, profile: third.storePath, bootDefault: third.storePath })
  }
})
