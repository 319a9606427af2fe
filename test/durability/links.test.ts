import t from 'tap'
import { Disk } from './disk.ts'
import { afterPowerCut } from './power-cut.ts'
import type { Judge, RealCode } from './survey.ts'
import { figures, isSync, marked, realCodeOn, survey, total, without } from './survey.ts'

const ROOTS = '/nix/var/nix/gcroots/belay'
const PROFILES = '/nix/var/nix/profiles'
const paths = ['a', 'b', 'c'].map((letter) => `/nix/store/${letter.repeat(32)}-nixos-system`)

/** Links that are there already, changed one after another: a GC root, or the profile back to a generation. */
async function write(
  { world }: RealCode,
  link: string,
  change: (path: string, number: number) => Promise<void>
): Promise<Disk> {
  const before = Disk.of({ [ROOTS]: null, [PROFILES]: null })
  const profiles = before.find(PROFILES) ?? 0
  for (const [i, path] of paths.entries()) before.create(profiles, `system-${i}-link`, 'link', path)
  before.create(profiles, 'system', 'link', 'system-0-link')
  before.create(before.find(ROOTS) ?? 0, 'baseline', 'link', paths[0])
  const disk = before.settled()
  world.begin(disk)
  for (const [number, path] of paths.entries()) {
    if (number === 0) continue
    disk.mark('begun')
    await change(path, number)
    disk.mark('acknowledged')
  }
  if (disk.find(link) === undefined) throw new Error('nothing was written')
  return disk
}

/** The link is the last acknowledged or the one begun, of all that it has been. */
const judgeBy =
  (link: string, targets: readonly string[]): Judge =>
  async (disk, marks) => {
    const target = disk.nodes.get(disk.find(link) ?? -1)?.target
    if (target === undefined) return 'lost'
    const found = targets.indexOf(target)
    if (found === -1) return 'unreadable'
    if (found < marked(marks, 'acknowledged')) return 'lost'
    return found > marked(marks, 'begun') ? 'invented' : null
  }

const links = {
  [`${ROOTS}/baseline`]: {
    targets: paths,
    change:
      ({ addRoot }: RealCode) =>
      (path: string) =>
        addRoot(ROOTS, 'baseline', path)
  },
  [`${PROFILES}/system`]: {
    targets: paths.map((_, i) => `system-${i}-link`),
    change:
      ({ restoreProfile }: RealCode) =>
      (storePath: string, number: number) =>
        restoreProfile(`${PROFILES}/system`, { number, storePath })
  }
}

for (const [link, { targets, change }] of Object.entries(links))
  t.test(`${link} is the last acknowledged or the next, whatever a power cut leaves`, async (t) => {
    const code = await realCodeOn(t)
    const disk = await write(code, link, change(code))
    const found = await survey(disk, judgeBy(link, targets))
    t.equal(total(found), 0, found.first ?? '')
    t.comment(figures(found))
    const weak = await survey(without(disk, isSync(disk, 'directory')), judgeBy(link, targets))
    t.ok(weak.damage.lost > 0, `no fsync of the directory: ${figures(weak)}`)
  })

t.test('the first GC root stays, with the folder that it made', async (t) => {
  const code = await realCodeOn(t)
  const disk = Disk.of({ '/nix/var/nix/gcroots': null })
  code.world.begin(disk)
  await code.addRoot(ROOTS, 'baseline', paths[0] ?? '')
  const lost = afterPowerCut(disk).filter((state) => state.find(`${ROOTS}/baseline`) === undefined)
  t.equal(lost.length, 0)
})
