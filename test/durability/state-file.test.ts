import t from 'tap'
import { Disk } from './disk.ts'
import { afterPowerCut } from './power-cut.ts'
import type { Judge, RealCode } from './survey.ts'
import { figures, isSync, marked, realCodeOn, survey, total, without } from './survey.ts'

const PATH = '/state/known-good.json'
/** Within a sector, over some, over many; each another length, so that none passes for another. */
const texts = [60, 700, 2500, 1200].map((length, i) => `${String(i).repeat(length)}\n`)

/** All texts but the first, which is there already, written one after another. */
async function write(code: RealCode, put: (path: string, text: string) => Promise<void>): Promise<Disk> {
  const disk = Disk.of({ [PATH]: texts[0] ?? '' })
  code.world.begin(disk)
  for (const text of texts.slice(1)) {
    disk.mark('begun')
    await put(PATH, text)
    disk.mark('acknowledged')
  }
  return disk
}

const textOn = (disk: Disk) => disk.content(disk.find(PATH) ?? 0).toString()

/** The text is the last acknowledged or the one begun; another can be written, whole or not at all after a cut. */
const judgeWith =
  ({ world, durableWrite }: RealCode): Judge =>
  async (disk, marks) => {
    if (disk.find(PATH) === undefined) return 'lost'
    const found = texts.indexOf(textOn(disk))
    if (found === -1) return 'unreadable'
    if (found < marked(marks, 'acknowledged')) return 'lost'
    if (found > marked(marks, 'begun')) return 'invented'
    world.begin(disk)
    await durableWrite(PATH, 'next')
    for (let count = 0; count <= disk.steps.length; count++)
      for (const state of afterPowerCut(disk, count))
        if (textOn(state) !== 'next' && (count === disk.steps.length || textOn(state) !== texts[found]))
          return 'unusable'
    return disk.tree().size === 2 ? null : 'unusable'
  }

t.test(
  'a state file holds the last acknowledged text or the next, whatever a power cut leaves',
  async (t) => {
    const code = await realCodeOn(t)
    const found = await survey(await write(code, code.durableWrite), judgeWith(code))
    t.equal(total(found), 0, found.first ?? figures(found))
    t.comment(figures(found))
    t.ok(found.states > 40, 'the model leaves more than one state')
  }
)

t.test('the same judge finds the damage of weaker writers', async (t) => {
  const code = await realCodeOn(t)
  const disk = await write(code, code.durableWrite)
  const noFileSync = await survey(without(disk, isSync(disk, 'file')), judgeWith(code))
  t.ok(noFileSync.damage.unreadable > 0, `no fsync of the file: ${figures(noFileSync)}`)
  const noDirectorySync = await survey(without(disk, isSync(disk, 'directory')), judgeWith(code))
  t.ok(noDirectorySync.damage.lost > 0, `no fsync of the directory: ${figures(noDirectorySync)}`)
  const noSync = await survey(
    without(disk, (step) => step.type === 'sync'),
    judgeWith(code)
  )
  t.ok(noSync.damage.lost > 0 && noSync.damage.unreadable > 0, `no fsync at all: ${figures(noSync)}`)
  const inPlace = await write(code, async (path, text) => {
    const file = await code.fs.open(path, 'w')
    await file.writeFile(text)
    await file.sync()
  })
  const torn = await survey(inPlace, judgeWith(code))
  t.ok(torn.damage.unreadable > 0, `in place: ${figures(torn)}`)
})

t.test('every fsync is needed', async (t) => {
  const code = await realCodeOn(t)
  const disk = await write(code, code.durableWrite)
  for (const [nth, step] of disk.steps.entries()) {
    if (step.type !== 'sync') continue
    const leftOut = without(disk, (_, n) => n === nth)
    const found = await survey(leftOut, judgeWith(code))
    t.ok(total(found) > 0, `without the fsync at step ${nth + 1}: ${figures(found)}`)
  }
})
