import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import {
  assertMode,
  assertNotHeld,
  profileDirectory,
  profileHost,
  profilesOf
} from '../../../agent/operation/profiles.ts'
import { call, candidate, shortDirectory, startDaemon } from '../fakes/daemon.ts'

t.test('what a profile owns has a folder of its own', async (t) => {
  t.equal(profileDirectory('/var/lib/belay', 'system'), '/var/lib/belay')
  t.equal(profileDirectory('/var/lib/belay', 'home:alice'), '/var/lib/belay/homes/alice')
})

t.test('only homes of the configuration are there', async (t) => {
  const { host } = await startDaemon(t)
  t.same(profilesOf(host), ['system'])
  t.throws(() => profileHost(host, 'home:alice'), { code: 'home-unknown', found: 'alice' })
  const of = () => ({ ...host, running: async () => 'a home' })
  const homes = { ...host, homes: { users: ['alice'], of } }
  t.same(profilesOf(homes), ['system', 'home:alice'])
  t.equal(await profileHost(homes, 'home:alice').running(), 'a home')
  t.equal(profileHost(homes, 'system'), homes)
})

t.test('nothing of a home is booted', async (t) => {
  t.throws(() => assertMode('home:alice', 'boot'), { code: 'trial-boot-unavailable' })
  assertMode('home:alice', 'auto')
  assertMode('system', 'boot')
})

t.test('a hold of a home is of that home; one that cannot be read holds as well', async (t) => {
  const state = shortDirectory(t)
  await assertNotHeld(state, 'home:alice')
  await mkdir(join(state, 'homes/alice'), { recursive: true })
  await writeFile(join(state, 'homes/alice/hold.json'), '{')
  await t.rejects(assertNotHeld(state, 'home:alice'), {
    code: 'held',
    wanted: /release --profile home:alice/
  })
  await assertNotHeld(state, 'home:bob')
})

t.test('the API refuses a home that is not looked after, by its code', async (t) => {
  const d = await startDaemon(t)
  const ask = async (method: string, path: string, body?: object) => {
    const answer = await call(d.socket('admin'), method, path, body && JSON.stringify(body))
    return { status: answer.status, code: (JSON.parse(answer.body) as { code: string }).code }
  }
  const unknown = { status: 404, code: 'home-unknown' }
  t.same(await ask('GET', '/v1/profiles/home:alice/generations'), unknown)
  t.same(await ask('POST', '/v1/profiles/home:alice/preview', { storePath: candidate }), unknown)
  t.same(await ask('PUT', '/v1/profiles/home:alice/hold', { reason: 'x' }), unknown)
  t.same(await ask('POST', '/v1/operations', { profile: 'home:alice', storePath: candidate }), unknown)
  t.same(await ask('POST', '/v1/rollback', { profile: 'home:alice' }), unknown)
  t.match(await ask('GET', '/v1/profiles/home:..%2Fx/generations'), { status: 400 })
  t.match(await ask('POST', '/v1/rollback', { profile: 'home:../x' }), { status: 400 })
  t.same(d.started, [])
})
