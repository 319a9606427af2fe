import t from 'tap'
import { assertOwn, isForeign } from '../../../../agent/platform/nix/foreign-profile.ts'

const own = { baseline: '/nix/store/a', candidate: '/nix/store/b' }

t.test('a profile is foreign that names neither baseline nor candidate', async (t) => {
  t.equal(isForeign('/nix/store/c', own), true)
  for (const path of ['/nix/store/a', '/nix/store/b', null]) t.equal(isForeign(path, own), false, `${path}`)
  t.equal(isForeign('/nix/store/c', null), false, 'a rollback goes where a person has said')
})

t.test('the refusal names it', async (t) => {
  assertOwn('/nix/store/b', own)
  t.throws(() => assertOwn('/nix/store/c', own), {
    code: 'profile-moved',
    found: '/nix/store/c',
    message: /store\/c/
  })
})
