import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findFlaws } from '../../../../agent/health/kinds/declared-secrets.ts'
import { parseManifest } from '../../../../agent/secrets/manifest.ts'

const { signal } = new AbortController()
const uid = String(process.getuid?.() ?? 0)
const wanted = (more: object = {}) => {
  const secret = { name: 'db', path: '/run/secrets/db', owner: uid, mode: '0400', sopsFile: '/x', ...more }
  const manifest = parseManifest(JSON.stringify({ symlinkPath: '/run/secrets', secrets: [secret] }))
  return manifest === null ? [] : [manifest]
}

t.test('declared secrets are where they are wanted, as they are wanted', async (t) => {
  const root = t.testdir({
    etc: { passwd: `me:x:${uid}:0::/:/bin/sh\n`, group: 'root:x:0:\n' },
    run: { 'secrets.d': { 1: { db: 'x', empty: '' } }, secrets: t.fixture('symlink', 'secrets.d/1') },
    other: { db: 'x' },
    app: { key: t.fixture('symlink', '../run/secrets.d/1/db'), out: t.fixture('symlink', '../other/db') }
  })
  chmodSync(join(root, 'run/secrets.d/1/db'), 0o400)
  const look = (more?: object) => findFlaws(wanted(more), root, signal)
  t.match(await look(), { result: 'pass', message: '1 secrets are in place' })
  t.match(await look({ owner: 'me' }), { result: 'pass' })
  t.match(await look({ path: '/app/key' }), { result: 'pass' }, 'a link into the mount of the secrets')
  t.match(await look({ mode: '0440' }), { result: 'fail', message: /has mode 0400, wanted 0440/ })
  t.match(await look({ owner: 'nobody' }), { result: 'fail', message: /belongs to user/ })
  t.match(await look({ path: '/run/secrets/gone' }), { result: 'fail', message: /missing \(ENOENT\)/ })
  t.match(await look({ path: '/run/secrets/empty', mode: null }), { result: 'fail', message: /empty/ })
  t.match(await look({ path: '/app/out' }), { result: 'fail', message: /leads out of/ })
  t.match(await findFlaws([], root, signal), { result: 'pass' })
  const rendered = (path: string, more: object = {}) => {
    const templates = [{ name: 'web.conf', path, owner: uid, mode: '0400' }]
    const json = JSON.stringify({ symlinkPath: '/run/secrets', secrets: [], templates, ...more })
    return findFlaws(
      [parseManifest(json)].filter((each) => each !== null),
      root,
      signal
    )
  }
  t.match(await rendered('/run/secrets/db'), { result: 'pass', message: '1 secrets are in place' })
  t.match(await rendered('/run/secrets/rendered/web.conf'), { result: 'fail', message: /missing \(ENOENT\)/ })
  const home = await rendered('/home/alice/.config/x', { userMode: true, secretsMountPoint: '%r/secrets.d' })
  t.match(home, { result: 'pass' }, 'what a home in the system has is not of the system')
})
