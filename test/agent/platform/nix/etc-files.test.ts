import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { etcChanges } from '../../../../agent/platform/nix/etc-files.ts'

type Tree = Readonly<Record<string, string | { readonly link: string }>>

/** A store with two generations, and a secret outside of it. */
async function changes(t: Test, before: Tree, after: Tree, withDiffs = false) {
  const root = t.testdir({ secret: 'token-of-the-host' })
  const store = join(root, 'store')
  for (const [name, tree] of Object.entries({ before, after })) {
    mkdirSync(join(store, name, 'etc'), { recursive: true })
    for (const [path, content] of Object.entries(tree)) {
      const file = join(store, name, path.startsWith('/') ? path.slice(1) : `etc/${path}`)
      mkdirSync(dirname(file), { recursive: true })
      if (typeof content === 'string') writeFileSync(file, content)
      else symlinkSync(content.link.replace('ROOT', root), file)
    }
  }
  return etcChanges(join(store, 'before'), join(store, 'after'), withDiffs, `${store}/`)
}
const names = (all: Awaited<ReturnType<typeof changes>>) => all.map(({ path, change }) => `${change} ${path}`)

t.test('files are compared by their bytes, wherever in the store they are', async (t) => {
  const found = await changes(
    t,
    { a: 'same', b: 'one', gone: 'x', 'd/e': 'x', f: { link: '../files/f' }, '/files/f': 'linked' },
    { a: 'same', b: 'two', new: 'x', 'd/e': 'y', f: 'linked' }
  )
  t.same(names(found), ['changed b', 'changed d/e', 'removed gone', 'added new'])
})

t.test('a file that becomes a folder, and back', async (t) => {
  t.same(names(await changes(t, { a: 'x' }, { 'a/b': 'x' })), ['removed a', 'added a/b'])
  t.same(names(await changes(t, { 'a/b': 'x' }, { a: 'x' })), ['added a', 'removed a/b'])
})

t.test('a link that leads out of the store is not followed', async (t) => {
  const out = { link: 'ROOT/secret' }
  const found = await changes(
    t,
    { a: { link: '/run/secrets/a' }, b: out, c: 'x' },
    { a: { link: '/run/secrets/a' }, b: 'x', c: out, d: { link: 'ROOT' } },
    true
  )
  t.same(names(found), ['changed b', 'changed c', 'added d'])
  t.notMatch(JSON.stringify(found), /token-of-the-host/)
  t.match(found.find(({ path }) => path === 'c')?.diff, /^\+link to .*\/secret$/m)
})

t.test('links in a circle, and into nothing, end', async (t) => {
  const found = await changes(t, {}, { a: { link: 'b' }, b: { link: 'a' }, c: { link: 'nothing' } })
  t.same(names(found), ['added a', 'added b', 'added c'])
  await t.rejects(changes(t, {}, { loop: { link: '.' }, again: { link: '.' } }), { code: 'not-a-system' })
})

t.test('a host key is never read, and differs by where it is', async (t) => {
  const found = await changes(
    t,
    { 'ssh/ssh_host_rsa_key': 'a-secret' },
    { 'ssh/ssh_host_rsa_key': 'b-secret' },
    true
  )
  t.match(found, [{ path: 'ssh/ssh_host_rsa_key', change: 'changed', diff: null, note: 'never read' }])
})

t.test('what a unit is wanted by is a link, not a second copy of the unit', async (t) => {
  const unit = (text: string): Tree => ({
    'systemd/system/x.service': text,
    'systemd/system/multi-user.target.wants/x.service': { link: '../x.service' }
  })
  t.same(names(await changes(t, unit('a'), unit('b'))), ['changed systemd/system/x.service'])
})
