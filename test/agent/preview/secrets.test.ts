import fc from 'fast-check'
import t from 'tap'
import { readManifest, secretChanges } from '../../../agent/preview/secrets.ts'

const manifest = (...secrets: readonly object[]) =>
  readManifest(JSON.stringify({ symlinkPath: '/run/secrets', secrets })) ?? []
const db = {
  name: 'db',
  owner: 'root',
  mode: '0400',
  sopsFile: '/nix/store/a',
  key: 'db',
  restartUnits: ['b.service', 'a.service']
}

t.test('secrets are compared by what is declared', async (t) => {
  const before = manifest(db, { name: 'old' })
  const after = manifest(
    { ...db, owner: 'app', sopsFile: '/nix/store/b' },
    { name: 'new', reloadUnits: ['c.service'] }
  )
  t.same(secretChanges(before, after), [
    { name: 'db', change: 'changed', what: ['owner', 'encrypted file'], units: ['a.service', 'b.service'] },
    { name: 'new', change: 'added', what: [], units: ['c.service'] },
    { name: 'old', change: 'removed', what: [], units: [] }
  ])
  t.same(secretChanges(before, before), [])
})

t.test('what is no manifest is none', async (t) => {
  for (const text of ['', '[]', '{}', '{"secrets":[]}', '{"secrets":{},"symlinkPath":"/x"}'])
    t.equal(readManifest(text), null, text)
  t.same(readManifest('{"symlinkPath":"/x","secrets":[null,1,{},{"name":2}]}'), [])
  fc.assert(fc.property(fc.json(), (json) => Array.isArray(readManifest(json) ?? [])))
})
