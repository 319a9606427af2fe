import type { Test } from 'tap'
import type { Death, Story } from './world.ts'
import { fates, next, old, world } from './world.ts'

/** Records that an operation may need when its runner dies so often: bounded work. */
export const bound = (deaths: number) => 30 + 10 * deaths

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

interface Told {
  readonly story: Story
  readonly ends: 'committed' | 'rolled-back' | 'refused' | 'cancelled'
}

/** The tests of one story: its end, that it is the end, and every schedule of two deaths. */
export function tellStory(t: Test, name: string, { story, ends }: Told): void {
  void t.test(`${name} ends ${ends}`, async (t) => {
    const w = world(story)
    t.equal(await w.live(), ends)
    t.equal(w.stranded(ends), null)
    const wanted = ends === 'committed' ? next.storePath : old.storePath
    t.match(w.host, { running: wanted, profile: wanted, bootDefault: wanted, guarded: false })
    const before = w.records.length
    t.equal(await w.live(), ends, 'running it again changes nothing')
    t.equal(w.records.length, before)
  })

  void t.test(`${name}: its runner dies twice, between every two effects, with every fate`, async (t) => {
    let tried = 0
    let bad: unknown = null
    for await (const { deaths, complaint } of everySchedule(story, ends, 2)) {
      tried += 1
      if (complaint !== null) bad ??= { complaint, deaths }
    }
    t.equal(bad, null, `${tried} schedules`)
  })
}
