import { chmodSync, chownSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { assertOwnDirectory } from '../../../agent/security/own-directory.ts'

t.test('a directory is ours alone, or nothing in it counts', async (t) => {
  const dir = t.testdir({ own: {}, file: '', link: t.fixture('symlink', 'own') })
  const own = join(dir, 'own')
  await assertOwnDirectory(own)
  for (const mode of [0o777, 0o775, 0o1777]) {
    chmodSync(own, mode)
    await t.rejects(assertOwnDirectory(own), { code: 'invalid-config', at: own }, mode.toString(8))
  }
  chmodSync(own, 0o755)
  for (const name of ['file', 'link'])
    await t.rejects(
      assertOwnDirectory(join(dir, name)),
      { code: 'invalid-config', found: 'no directory' },
      name
    )
  if (process.getuid?.() !== 0) return
  chownSync(own, 65_534, 65_534)
  await t.rejects(assertOwnDirectory(own), { code: 'invalid-config', found: /user 65534/ })
})
