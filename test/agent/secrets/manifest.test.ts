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

t.test('templates, and whose it is', async (t) => {
  const of = (more: object) =>
    parseManifest(JSON.stringify({ symlinkPath: '/run/secrets', secrets: [], ...more }))
  const web = {
    name: 'web.conf',
    content: 'key=<SOPS:x:PLACEHOLDER>',
    path: '/etc/web',
    owner: 'web',
    mode: '0440'
  }
  const all = of({ templates: [web, { name: 'rc' }, 7, { path: '/x' }] })?.templates
  t.same(all, [
    { name: 'web.conf', path: '/etc/web', owner: 'web', group: null, mode: '0440' },
    { name: 'rc', path: '/run/secrets/rendered/rc', owner: null, group: null, mode: null }
  ])
  t.match(
    [of({}), of({ userMode: 'true' }), of({ userMode: true })],
    [{ templates: [], ofUser: false }, { ofUser: false }, { ofUser: true }]
  )
})

t.test(
  'paths are those of the manifest, whatever the version of clan and what needs the secret first',
  async (t) => {
    const paths = [
      '/run/secrets/vars/db/password',
      '/run/secrets/vars/per-machine/cinnabar/db/password',
      '/run/secrets-for-users/vars/per-machine/cinnabar/user-password/hash',
      '/var/lib/sops-nix/activation/vars/per-machine/cinnabar/luks/key'
    ]
    const secrets = paths.map((path) => ({ name: `vars${path}`, path }))
    const manifest = parseManifest(JSON.stringify({ symlinkPath: '/run/secrets', secrets }))
    t.same(
      manifest?.secrets.map(({ path }) => path),
      paths
    )
  }
)

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
