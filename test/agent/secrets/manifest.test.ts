import fc from 'fast-check'
import t from 'tap'
import { isManifestPath, parseManifest } from '../../../agent/secrets/manifest.ts'

t.test('a manifest of sops-nix', async (t) => {
  const json = JSON.stringify({
    ...{ symlinkPath: '/run/secrets', secretsMountPoint: '/run/secrets.d', ageKeyFile: '/k' },
    ageSshKeyPaths: ['/etc/ssh/ssh_host_ed25519_key', 1],
    secrets: [
      { name: 'db', path: '/run/secrets/db', owner: 'postgres', group: null, gid: 5, mode: '0400' },
      { name: 'web/key', sopsFile: '/nix/store/x', format: 'json', owner: '', uid: 7, mode: '999' },
      { name: 1 }
    ]
  })
  const manifest = parseManifest(json)
  t.match(manifest, { ageKeyFile: '/k', ageSshKeyPaths: ['/etc/ssh/ssh_host_ed25519_key'] })
  t.match(manifest?.secrets, [
    { name: 'db', path: '/run/secrets/db', owner: 'postgres', group: '5', mode: '0400', format: 'yaml' },
    { name: 'web/key', path: '/run/secrets/web/key', owner: '7', mode: null, format: 'json' }
  ])
  t.equal(manifest?.secrets.length, 2)
})

t.test('what is none', async (t) => {
  fc.assert(fc.property(fc.json(), (json) => (parseManifest(json)?.secrets ?? []).length >= 0))
  t.equal(parseManifest('{"secrets":[]}'), null)
  t.same(
    ['/nix/store/a-manifest.json', '/nix/store/a-manifest-for-users.json', '/nix/store/a-x.json'].map(
      isManifestPath
    ),
    [true, true, false]
  )
})
