import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { applyAllowed } from '../../../controller/leaks/allow.ts'
import { leakGate } from '../../../controller/leaks/gate.ts'
import { forgetful, knownCleanFile, knownCleanPath } from '../../../controller/leaks/known-clean.ts'
import { closureScan, parseSigs, scanPaths } from '../../../controller/leaks/scan-closure.ts'
import { BelayError } from '../../../shared/errors.ts'
import { storePath } from '../fakes/fleet-host.ts'
import { fakeRun } from '../fakes/run.ts'
import { noLeaks } from '../fakes/scan.ts'
import { ageKey, pem } from './planted.ts'

const { signal } = new AbortController()

t.test('the closure as Nix names it, with the keys that signed', async (t) => {
  const [a, b, c] = ['a', 'b', 'c'].map((letter) => storePath(letter))
  const stdout = `${a}\t  ultimate\n${b}  cache.nixos.org-1:abc== lan-1:def==\n${c} ca:fixed:r:sha256:1x\n\n`
  t.same(parseSigs(stdout), [
    { path: a, keys: [] },
    { path: b, keys: ['cache.nixos.org-1', 'lan-1'] },
    { path: c, keys: ['ca'] }
  ])
})

t.test('what is public already is not looked at; what cannot be looked at is no clean closure', async (t) => {
  const [top, publicPath] = [storePath('a'), storePath('b')]
  const both = `${top} cache.nixos.org-1:x\n${publicPath} cache.nixos.org-1:x\n`
  const report = await closureScan(fakeRun({ stdout: both }).run, forgetful)(top, {}, signal)
  t.match(report, { leaks: [], scanned: { paths: 0 }, skipped: { public: 2, known: 0 } })
  const broken = [
    { stdout: '' },
    { stdout: `${publicPath} cache.nixos.org-1:x\n` },
    { code: 1, stderr: 'error: not valid' },
    { stdout: `${top} ultimate\n` }
  ]
  for (const answer of broken)
    await t.rejects(closureScan(fakeRun(answer).run, forgetful)(top, {}, signal), {
      code: 'leak-scan-failed'
    })
})

t.test('files and folders are gone through, links are not', async (t) => {
  const directory = t.testdir({
    a: { deep: { key: pem() }, link: t.fixture('symlink', '../b'), loop: t.fixture('symlink', '.') },
    b: ageKey(),
    c: 'nothing'
  })
  const { found, files } = await scanPaths([join(directory, 'a'), join(directory, 'c')], [], signal)
  t.match(found, [{ path: join(directory, 'a/deep/key'), kind: 'private-key', offset: 28 }])
  t.equal(found.length, 1)
  t.equal(files, 2)
  const over = new AbortController()
  over.abort()
  await t.rejects(scanPaths([directory], [], over.signal), { name: 'AbortError' })
})

t.test(
  'what is allowed hides nothing that is behind it, and what was not looked at is not clean',
  async (t) => {
    const key = pem()
    const keys = Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`${i}.pem`, key]))
    const directory = t.testdir({
      a: { tests: keys },
      b: ageKey(),
      c: Array.from({ length: 30 }, () => key).join('\n') + ageKey()
    })
    const [a, b, c] = ['a', 'b', 'c'].map((name) => join(directory, name)) as [string, string, string]
    const allow = [{ path: '*/tests/*', kind: 'private-key', reason: 'of the tests' }] as const
    const { found, whole } = await scanPaths([a, b], allow, signal)
    t.match(applyAllowed(found, allow).leaks, [{ path: b, kind: 'age-key' }])
    t.equal(applyAllowed(found, allow).leaks.length, 1)
    t.same(whole, [a, b])
    t.same((await scanPaths([a, b], [], signal)).whole, [], 'full of leaks before its end')
    const both = await scanPaths([c], [{ ...allow[0], path: '*/c' }], signal)
    t.match(both.found.at(-1), { path: c, kind: 'age-key' }, 'nor in one file')
  }
)

t.test('what is found clean is remembered, for these rules', async (t) => {
  const file = join(t.testdir(), 'deep/scanned')
  const known = knownCleanFile(file)
  t.equal((await known.read()).has('/nix/store/x'), false)
  await known.add(['/nix/store/x', '/nix/store/y'])
  t.equal((await known.read()).has('/nix/store/y'), true)
  await known.add([])
  t.equal(readFileSync(file, 'utf8').split('\n').filter(Boolean).length, 2)
  t.match(knownCleanPath({ XDG_CACHE_HOME: '/c' }), /^\/c\/belay\/scanned-\d+$/)
})

t.test('an exception needs its file and its kind', async (t) => {
  const path = `${storePath('a')}/share/test.pem`
  const leaks = [{ path, kind: 'private-key', offset: 3 }] as const
  const reason = 'a test key'
  const name = path.slice('/nix/store/'.length + 33)
  const split = (pattern: string, kind?: 'private-key' | 'token') =>
    applyAllowed(leaks, [{ path: pattern, reason, ...(kind ? { kind } : {}) }])
  t.same(split(name), { leaks: [], allowed: [{ ...leaks[0], reason }] })
  t.equal(split('*/test.pem', 'private-key').leaks.length, 0)
  t.equal(split('*/test.pem', 'token').leaks.length, 1)
  t.equal(split('test.pem').leaks.length, 1)
  t.equal(split('*/test?pem').leaks.length, 1, 'no pattern but the star')
  const gnutls = { path: `${storePath('b')}/lib/libgnutls.so.30`, kind: 'private-key', offset: 1 } as const
  t.equal(applyAllowed([gnutls], []).leaks.length, 0, 'everybody has that one')
})

t.test('the gate refuses, warns or lets through, and looks once', async (t) => {
  let looks = 0
  const leak = { path: '/nix/store/x/f', kind: 'token', offset: 7 } as const
  const scan: typeof noLeaks = async (path, policy, wanted) => {
    looks++
    return { ...(await noLeaks(path, policy, wanted)), leaks: Array(7).fill(leak) }
  }
  const said: string[] = []
  const say = (line: string) => void said.push(line)
  const refuse = leakGate(scan, {}, signal)
  await t.rejects(refuse('/nix/store/x', say), {
    code: 'leak-found',
    message: /token in .*, byte 7\n.*and 2 more/s
  })
  await t.rejects(refuse('/nix/store/x', say), { code: 'leak-found' })
  t.equal(looks, 1)
  await leakGate(scan, { scan: 'warn' }, signal)('/nix/store/x', say)
  t.match(said, [/token in/])
  await leakGate(scan, { scan: 'off' }, signal)('/nix/store/x', say)
  t.equal(looks, 2)
  await leakGate(noLeaks, {}, signal)('/nix/store/x', say)
})

t.test('a scan that did not succeed is tried again', async (t) => {
  let looks = 0
  const scan: typeof noLeaks = async (...asked) => {
    if (looks++ === 0) throw new BelayError('leak-scan-failed', 'Nix did not answer')
    return noLeaks(...asked)
  }
  const gate = leakGate(scan, {}, signal)
  await t.rejects(
    gate('/nix/store/x', () => {}),
    { code: 'leak-scan-failed' }
  )
  await gate('/nix/store/x', () => {})
  await gate('/nix/store/x', () => {})
  t.equal(looks, 2)
})
