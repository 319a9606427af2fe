import t from 'tap'
import { fileDiff } from '../../../agent/preview/file-diff.ts'

const of = (text: string) => Buffer.from(text)

t.test('a unified diff, without secrets', async (t) => {
  const { diff, note } = await fileDiff(
    'app.conf',
    of('a\npassword = one\nb\n'),
    of('a\npassword = two\nc\n')
  )
  t.equal(note, null)
  t.equal(diff, '--- etc/app.conf\n+++ etc/app.conf\n@@ -1,3 +1,3 @@\n a\n password = [redacted]\n-b\n+c\n')
  t.match(await fileDiff('x', of('token: one\n'), of('token: two\n')), { diff: null, note: /secrets/ })
  t.match((await fileDiff('x', null, of('b\n'))).diff, '--- /dev/null\n+++ etc/x\n')
  t.match((await fileDiff('x', of('b\n'), null)).diff, '+++ /dev/null\n')
})

t.test('what is no text is only named', async (t) => {
  t.same(await fileDiff('x', of('a\0'), of('b')), { diff: null, note: 'binary' })
  t.same(await fileDiff('x', Buffer.from([0xff, 0xfe]), of('b')), { diff: null, note: 'binary' })
  t.match(await fileDiff('x', of('a'), Buffer.alloc(300 * 1024, 97)), {
    diff: null,
    note: /larger than 256 KiB/
  })
  t.match((await fileDiff('x', { link: '/run/secrets/x' }, of('b\n'))).diff, '-link to /run/secrets/x\n+b\n')
})

t.test('a diff has an end', async (t) => {
  const lines = (text: string) => of(`${text.repeat(50)}\n`.repeat(2000))
  // However long this machine is held up.
  const { diff, note } = await fileDiff('x', null, lines('b'), 60_000)
  t.ok((diff?.length ?? 0) <= 64 * 1024)
  t.match(note, /first 64 KiB/)
  t.equal(diff?.endsWith('\n'), true, 'whole lines')
  const noise = (seed: number) =>
    of(Array.from({ length: 40_000 }, (_, i) => `${(i * seed) % 9973}`).join('\n'))
  const began = performance.now()
  t.match(await fileDiff('x', noise(7), noise(11)), { diff: null, note: 'too different for a diff' })
  t.ok(performance.now() - began < 5000, 'and takes no time')
})
