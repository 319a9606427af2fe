import t from 'tap'
import { Disk } from './disk.ts'
import { afterPowerCut } from './power-cut.ts'
import type { Damage, Judge, RealCode } from './survey.ts'
import { figures, isSync, marked, realCodeOn, survey, total, without } from './survey.ts'

const PATH = '/operation/journal.jsonl'
const now = () => ({ at: '2026-01-01T00:00:00.000Z', bootId: 'b', monotonicMs: 1 })
/** Within a sector, over one, over many, up to the end of one. */
const events = [10, 700, 3000, 40, 270].map((length, n) => ({ n, text: 'ü'.repeat(length) }))

/** All events, by two writers one after the other. */
async function write(code: RealCode): Promise<Disk> {
  const disk = Disk.of({ '/operation': null })
  code.world.begin(disk)
  for (const part of [events.slice(0, 3), events.slice(3)]) {
    const journal = await code.openJournal(PATH, now)
    for (const event of part) {
      disk.mark('begun')
      await journal.append(event)
      disk.mark('acknowledged')
    }
    await journal.close()
  }
  return disk
}

const textOn = (disk: Disk) => disk.content(disk.find(PATH) ?? -1).toString()

/** How many of the events a journal tells; null when it cannot be read or tells others. */
function told({ parseJournal }: RealCode, disk: Disk, wanted: readonly unknown[]): number | null {
  try {
    const { records } = parseJournal(textOn(disk))
    const same = records.every((r, i) => JSON.stringify(r.event) === JSON.stringify(wanted[i]))
    return same ? records.length : null
  } catch {
    return null
  }
}

const judgeWith =
  (code: RealCode): Judge =>
  async (disk, marks) => {
    const found = told(code, disk, events)
    if (found === null) return 'unreadable'
    if (found < marked(marks, 'acknowledged')) return 'lost'
    if (found > marked(marks, 'begun')) return 'invented'
    return goOn(code, disk, found)
  }

/** Opens and appends to what was left; and cuts the power again at every step of that. */
async function goOn(code: RealCode, disk: Disk, found: number): Promise<Damage | null> {
  const wanted = [...events.slice(0, found), { n: 'next' }]
  code.world.begin(disk)
  const journal = await code.openJournal(PATH, now)
  await journal.append({ n: 'next' })
  await journal.close()
  for (let count = 0; count <= disk.steps.length; count++)
    for (const state of afterPowerCut(disk, count)) {
      const again = told(code, state, wanted)
      if (again !== found + 1 && (again !== found || count === disk.steps.length)) return 'unusable'
    }
  return null
}

t.test(
  'no acknowledged record is lost and a journal stays readable, whatever a power cut leaves',
  async (t) => {
    const code = await realCodeOn(t)
    const found = await survey(await write(code), judgeWith(code))
    t.equal(total(found), 0, found.first ?? '')
    t.comment(figures(found))
  }
)

t.test('what a new writer has read stays, though the one before died before its fsync', async (t) => {
  const code = await realCodeOn(t)
  const whole = await write(code)
  let lost = 0
  for (let count = 0; count <= whole.steps.length; count++) {
    const disk = whole.upTo(count)
    code.world.begin(disk)
    const { records } = await code.openJournal(PATH, now)
    for (const state of afterPowerCut(disk)) if (told(code, state, events) !== records.length) lost++
  }
  t.equal(lost, 0)
})

t.test('the same judge finds the damage of weaker writers', async (t) => {
  const code = await realCodeOn(t)
  const disk = await write(code)
  for (const kind of ['file', 'directory'] as const) {
    const found = await survey(without(disk, isSync(disk, kind)), judgeWith(code))
    t.ok(found.damage.lost > 0, `no fsync of the ${kind}: ${figures(found)}`)
  }
})
