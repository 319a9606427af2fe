import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { Kept } from '../../../agent/desired/store.ts'
import { assertNotOlder, isSameAgain, readDesired, writeDesired } from '../../../agent/desired/store.ts'
import type { DesiredRequest } from '../../../shared/api/desired.ts'

const request: DesiredRequest = {
  profile: 'system',
  storePath: `/nix/store/${'b'.repeat(32)}-next`,
  revision: 7,
  confirm: { by: 'health', windowSeconds: 60 },
  reason: 'flake update'
}
const received = { receivedAt: '2026-01-05T12:00:00.000Z', principal: 'operate socket', withdrawn: null }
const kept: Kept = { desired: { ...request, ...received }, after: null }
const withdrawn = { at: '2026-01-05T13:00:00.000Z', principal: 'x', reason: 'y' }

t.test('a revision only grows, and says one thing', async (t) => {
  t.equal(isSameAgain(null, request), false, 'the first')
  t.equal(isSameAgain(kept, request), true, 'the same again')
  const { confirm, ...rest } = request
  t.equal(isSameAgain(kept, { confirm, ...rest }), true, 'the order of the keys says nothing')
  t.equal(isSameAgain(kept, { ...request, approval: 'signed' }), true, 'an approval may come later')
  t.equal(isSameAgain(kept, { ...request, revision: 8 }), false, 'a newer one')
  t.throws(() => isSameAgain(kept, { ...request, revision: 6 }), { code: 'desired-older', found: 6 })
  const others: Partial<DesiredRequest>[] = [
    { storePath: `/nix/store/${'c'.repeat(32)}-next` },
    { confirm: { by: 'connection', windowSeconds: 60 } },
    { mode: 'boot' },
    { windows: [] },
    { planHash: 'a'.repeat(64) },
    { again: true },
    { reason: 'another' }
  ]
  for (const other of others)
    t.throws(() => isSameAgain(kept, { ...request, ...other }), { code: 'desired-conflict' })
  const taken = { ...kept, desired: { ...kept.desired, withdrawn } }
  t.throws(() => isSameAgain(taken, request), { code: 'desired-older' }, 'what was taken back stays so')
  t.equal(isSameAgain(taken, { ...request, revision: 8 }), false)
})

t.test('an activation names no revision that was passed', async (t) => {
  t.doesNotThrow(() => assertNotOlder(null, 0))
  t.doesNotThrow(() => assertNotOlder(kept, 7))
  t.throws(() => assertNotOlder(kept, 6), { code: 'desired-older', wanted: /revision 7/ })
})

t.test('what is written is read; what cannot be read is said', async (t) => {
  const dir = t.testdir({})
  t.equal(await readDesired(dir), null)
  await writeDesired(dir, kept)
  t.same(await readDesired(dir), kept)
  for (const text of ['', '{', '{"desired":{},"after":null}', JSON.stringify({ ...kept, after: 1 })]) {
    await writeFile(join(dir, 'desired.json'), text)
    await t.rejects(readDesired(dir), { code: 'journal-corrupt' }, text)
  }
})
