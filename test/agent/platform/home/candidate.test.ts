import fc from 'fast-check'
import t from 'tap'
import { assertHome, userOfScript } from '../../../../agent/platform/home/candidate.ts'

t.test('for whom a script is, by its own check', async (t) => {
  t.equal(userOfScript("set -eu\n  checkUsername 'alice'\n"), 'alice')
  t.equal(userOfScript('checkUsername alice\ncheckHomeDirectory /home/alice'), 'alice')
  t.equal(userOfScript('  checkStringEq USER bob'), 'bob')
  t.equal(userOfScript('checkUsername() { :; }'), null)
  t.equal(userOfScript('checkUsername "$(id -un)"'), null)
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
      const user = userOfScript(text)
      return user === null || !user.includes('\n')
    })
  )
})

t.test('what is not in the store is no home', async (t) => {
  await t.rejects(assertHome(`/nix/store/${'a'.repeat(32)}-home-manager-generation`, 'alice'), {
    code: 'path-not-valid'
  })
  await t.rejects(assertHome('/etc', 'alice'), { code: 'path-not-valid' })
})
