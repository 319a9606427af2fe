import fc from 'fast-check'
import t from 'tap'
import type { Death, Story } from './world.ts'
import { fates, next, old, stories, third, world } from './world.ts'

/** Records that an operation may need when its runner dies so often: bounded work. */
const bound = (deaths: number) => 30 + 10 * deaths

/**
 * Every schedule of so many deaths in a row: in each life between every two effects, with every fate. Yields what is wrong after each, or null.
 */
async function* everySchedule(
  story: Story,
  ends: string,
  count: number,
  earlier: readonly Death[] = []
): AsyncGenerator<{ readonly deaths: readonly Death[]; readonly complaint: string | null }> {
  for (let at = 1; ; at++) {
    let met = false
    for (const fate of fates) {
      const deaths = [...earlier, { at, fate }]
      const w = world(story)
      const end = await w.live(deaths)
      if (w.deathsMet() < deaths.length) continue
      met = true
      const tooGood = end === 'committed' && ends !== 'committed' ? 'committed what must not be' : null
      const tooLong = w.records.length > bound(deaths.length) ? `${w.records.length} records` : null
      yield { deaths, complaint: tooGood ?? tooLong ?? w.stranded(end) }
      if (deaths.length < count) yield* everySchedule(story, ends, count, deaths)
    }
    if (!met) return
  }
}

for (const [name, { story, ends }] of Object.entries(stories)) {
  t.test(`${name} ends ${ends}`, async (t) => {
    const w = world(story)
    t.equal(await w.live(), ends)
    t.equal(w.stranded(ends), null)
    const wanted = ends === 'committed' ? next.storePath : old.storePath
    t.match(w.host, { running: wanted, profile: wanted, bootDefault: wanted, guarded: false })
    const before = w.records.length
    t.equal(await w.live(), ends, 'running it again changes nothing')
    t.equal(w.records.length, before)
  })

  t.test(`${name}: its runner dies twice, between every two effects, with every fate`, async (t) => {
    let tried = 0
    let bad: unknown = null
    for await (const { deaths, complaint } of everySchedule(story, ends, 2)) {
      tried += 1
      if (complaint !== null) bad ??= { complaint, deaths }
    }
    t.equal(bad, null, `${tried} schedules`)
  })
}

const anyStory: fc.Arbitrary<Story> = fc.record({
  kind: fc.constantFrom('activate', 'activate', 'activate', 'rollback'),
  by: fc.constantFrom('connection', 'health'),
  answer: fc.constantFrom('confirm', 'cancel', 'nobody'),
  refused: fc.constantFrom(false, false, false, true),
  commitFails: fc.constantFrom(false, false, false, true),
  restoreFailures: fc.nat(3),
  failing: fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 2 })
})
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
