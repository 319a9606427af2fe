import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { inCache, readAnswer } from '../../../controller/cache/evidence.ts'
import { assertPrivate } from '../../../controller/cache/key-file.ts'
import { pushCommand, pushToCache } from '../../../controller/cache/push.ts'
import { BelayError } from '../../../shared/errors.ts'
import { storePath } from '../fakes/fleet-host.ts'
import { fakeRun } from '../fakes/run.ts'

const path = storePath('b')
const { signal } = new AbortController()
const portsOf = (result: Parameters<typeof fakeRun>[0] = {}) => ({
  ...fakeRun(result),
  ...{ signal, leaks: async () => {}, onLine: () => {} }
})
const lan = { name: 'lan', cache: { url: 'file:///srv/cache' }, keyFile: null }

function keyFile(mode: number) {
  const file = join(t.testdir(), 'sk')
  writeFileSync(file, 'made up')
  chmodSync(file, mode)
  return file
}

t.test(
  'a closure is signed, then copied, and signed there too: what was there before is not copied',
  async (t) => {
    const key = keyFile(0o600)
    const ports = portsOf()
    await pushToCache({ ...lan, keyFile: key }, path, ports)
    t.same(
      ports.calls.map(({ argv }) => argv.slice(3)),
      [
        ['store', 'sign', '--recursive', '--key-file', key, path],
        ['copy', '--to', 'file:///srv/cache', path],
        ['store', 'sign', '--recursive', '--key-file', key, '--store', 'file:///srv/cache', path]
      ]
    )
  }
)

t.test('a key that others can read signs nothing', async (t) => {
  for (const mode of [0o640, 0o604, 0o666]) {
    const ports = portsOf()
    const pushed = pushToCache({ ...lan, keyFile: keyFile(mode) }, path, ports)
    await t.rejects(pushed, { code: 'invalid-request', wanted: '0600' })
    t.same(ports.calls, [])
  }
  await assertPrivate(keyFile(0o400))
  await t.rejects(assertPrivate('/nowhere/sk'), { code: 'invalid-request', message: /ENOENT/ })
  await t.rejects(assertPrivate(t.testdir()), { code: 'invalid-request', message: /no file/ })
})

t.test('a secret, or a program that fails, ends it', async (t) => {
  const ports = portsOf()
  const leaks = async () => {
    throw new BelayError('leak-found', 'there are secrets')
  }
  await t.rejects(pushToCache(lan, path, { ...ports, leaks }), { code: 'leak-found' })
  t.same(ports.calls, [])
  const failing = pushToCache(lan, path, portsOf({ code: 1, stderr: 'error: no space' }))
  await t.rejects(failing, { code: 'push-failed', message: /cache lan: nix nix-command flakes|no space/ })
})

t.test('every kind of cache by its own program', async (t) => {
  t.same(pushCommand({ kind: 'cachix', name: 'fleet' }, path), ['cachix', 'push', 'fleet', path])
  t.same(pushCommand({ kind: 'attic', name: 'fleet' }, path), ['attic', 'push', 'fleet', path])
  t.same(pushCommand({ kind: 'niks3' }, path), ['niks3', 'push', path])
  for (const url of ['s3://bucket?region=eu', 'ssh-ng://cache.example', 'https://cache.example'])
    t.same(pushCommand({ url }, path).slice(3), ['copy', '--to', url, path])
})

/** Nix, which has a closure of two and a cache with what it is told. */
function nix(answer: { code?: number; stdout?: string; stderr?: string }) {
  const asked: (string | undefined)[] = []
  const run = async (argv: readonly string[], options: { input?: string }) => {
    const local = !argv.includes('--store')
    if (!local) asked.push(options.input)
    const stdout = local ? `${storePath('a')}\n${path}\n` : ''
    return { code: 0, stderr: '', timedOut: false, stdout, ...(local ? {} : answer) }
  }
  return { asked, ask: () => inCache({ name: 'lan', url: 'file:///c' }, path, run, signal) }
}

t.test('what a cache has of a closure', async (t) => {
  const both = JSON.stringify({ [storePath('a')]: { narSize: 1 }, [path]: { narSize: 1 } })
  const all = nix({ stdout: both })
  t.match(await all.ask(), { complete: true, paths: 2, missing: [], message: 'all 2 paths' })
  t.same(all.asked, [`${storePath('a')}\n${path}\n`])
  const half = JSON.stringify({ [storePath('a')]: null, [path]: {} })
  t.match(await nix({ stdout: half }).ask(), {
    complete: false,
    missing: [storePath('a')],
    message: '1 of 2 missing'
  })
  t.match(await nix({ code: 1, stderr: 'Could not connect' }).ask(), { complete: null, message: /connect/ })
  t.match(await nix({ stdout: 'nonsense' }).ask(), { complete: null })
})

t.test('an answer in each of its shapes', async (t) => {
  const name = path.slice('/nix/store/'.length)
  const shapes = [
    [{ path }, { path: '/nix/store/x', valid: false }],
    { [path]: {}, '/nix/store/x': null },
    { version: 2, storeDir: '/nix/store', info: { [name]: {}, x: null } }
  ]
  for (const shape of shapes) t.same([...(readAnswer(JSON.stringify(shape)) ?? [])], [path])
  t.equal(readAnswer('null'), null)
})
