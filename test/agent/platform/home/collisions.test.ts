import fc from 'fast-check'
import t from 'tap'
import { collisionsIn, describeCollisions } from '../../../../agent/platform/home/collisions.ts'

t.test('the files in the way, as home-manager names them', async (t) => {
  const output = [
    'Activating checkLinkTargets',
    "Existing file '/home/alice/.same' is in the way of '/nix/store/x', will be skipped since they are the same",
    "\u001b[1;31mExisting file '/home/alice/.bashrc' would be clobbered\u001b[0m",
    "Existing file '/home/alice/it's mine' would be clobbered",
    "Existing file '/home/alice/.a.backup' would be clobbered by backing up '/home/alice/.a'",
    "Existing file '/home/alice/.bashrc' would be clobbered"
  ]
  t.same(collisionsIn(output), ['/home/alice/.a.backup', '/home/alice/.bashrc', "/home/alice/it's mine"])
  t.same(collisionsIn(['Activating writeBoundary']), [])
})

t.test('what a person is told is one line, and not too long', async (t) => {
  const many = Array.from({ length: 12 }, (_, i) => `/home/alice/${i}`)
  t.match(describeCollisions(many, 'alice'), /\/home\/alice\/9 and 2 more; move them away/)
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary-ascii' })), (files) => {
      const lines = files.map((file) => `Existing file '${file}' would be clobbered`)
      const told = describeCollisions(collisionsIn(lines), 'alice')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be left
      return !/[\u0000-\u001f\u007f-\u009f]/.test(told) && told.length < 6000
    })
  )
})
