import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { ignoreMissing, readGenerations, readProfile } from '../../../../agent/platform/nix/generations.ts'

const path = (n: number) => `/nix/store/${String(n).repeat(32).slice(0, 32)}-nixos-system`

t.test('generations are read from the links, by number, and nothing else is taken for one', async (t) => {
  const dir = t.testdir({ 'system-7-link': 'a file, not a link', 'system.lock': '' })
  for (const n of [10, 9, 2]) await symlink(path(n), join(dir, `system-${n}-link`))
  await symlink(path(3), join(dir, 'system-x-link'))
  await symlink(path(3), join(dir, 'other-3-link'))
  await symlink(path(3), join(dir, 'system-3-link.tmp'))
  await symlink('system-9-link', join(dir, 'system'))
  const found = await readGenerations(join(dir, 'system'))
  t.same(
    found.map((g) => [g.number, g.storePath]),
    [
      [2, path(2)],
      [9, path(9)],
      [10, path(10)]
    ]
  )
  t.match(found[0]?.createdAt, /^\d{4}-\d\d-\d\dT/)
  t.same(await readProfile(join(dir, 'system')), { number: 9, storePath: path(9) })
})

t.test('no profile, no directory and a dangling profile are nothing, not an error', async (t) => {
  const dir = t.testdir()
  t.same(await readGenerations(join(dir, 'none/system')), [])
  t.equal(await readProfile(join(dir, 'system')), null)
  await symlink('system-5-link', join(dir, 'system'))
  t.equal(await readProfile(join(dir, 'system')), null)
})

t.test('an error that is not a missing file goes on', async (t) => {
  t.throws(() => ignoreMissing(null)(Object.assign(new Error('no'), { code: 'EACCES' })), { code: 'EACCES' })
})
