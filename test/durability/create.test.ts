import t from 'tap'
import { Disk } from './disk.ts'
import type { Judge, RealCode } from './survey.ts'
import { figures, isSync, marked, realCodeOn, survey, total, without } from './survey.ts'

const PATH = '/state/approvals/1.spent.json'
/** Over more than one sector. */
const text = `${'x'.repeat(900)}\n`

/** The first creates the file, the second finds it: both are told, and act upon it. */
async function create(code: RealCode): Promise<Disk> {
  const disk = Disk.of({ '/state/approvals/1.json': 'an approval' })
  code.world.begin(disk)
  for (const each of [text, 'another\n']) {
    t.equal(await code.durableCreate(PATH, each), each === text)
    disk.mark('acknowledged')
  }
  return disk
}

const judge: Judge = async (disk, marks) => {
  const inode = disk.find(PATH)
  if (inode === undefined) return marked(marks, 'acknowledged') > 0 ? 'lost' : null
  return disk.content(inode).toString() === text ? null : 'unreadable'
}

t.test('a file that was created is there, whole, whatever a power cut leaves', async (t) => {
  const found = await survey(await create(await realCodeOn(t)), judge)
  t.equal(total(found), 0, found.first ?? figures(found))
  t.comment(figures(found))
  t.ok(found.states > 10, 'the model leaves more than one state')
})

t.test('the same judge finds the damage of weaker writers', async (t) => {
  const disk = await create(await realCodeOn(t))
  const noFileSync = await survey(without(disk, isSync(disk, 'file')), judge)
  t.ok(noFileSync.damage.unreadable > 0, `no fsync of the file: ${figures(noFileSync)}`)
  const noDirectorySync = await survey(without(disk, isSync(disk, 'directory')), judge)
  t.ok(noDirectorySync.damage.lost > 0, `no fsync of the directory: ${figures(noDirectorySync)}`)
})
