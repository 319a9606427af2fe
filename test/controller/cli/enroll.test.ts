import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { systemClock } from '../../../controller/deploy/clock.ts'
import type { OpenTunnel } from '../../../controller/transport/tunnel.ts'
import { BelayError } from '../../../shared/errors.ts'
import { call, shortDirectory, startDaemon } from '../../agent/fakes/daemon.ts'
import { fakeRun } from '../fakes/run.ts'
import { noLeaks } from '../fakes/scan.ts'
import { runBelay } from './run-belay.ts'

const DAY = 86_400_000

/** A fleet whose first host has the real API behind its tunnel, an authority, and a time that the test sets. */
async function world(t: Test) {
  const directory = shortDirectory(t)
  const fleet = join(directory, 'fleet.yaml')
  const ssh = (host: string) => `{ connection: { ssh: { host: ${host} } } }`
  writeFileSync(
    fleet,
    `version: 1\nhosts: { cinnabar: ${ssh('192.0.2.7')}, galena: ${ssh('galena.example')}, electrum: {} }\n`
  )
  const d = await startDaemon(t)
  const time = { ahead: 0 }
  const openTunnel: OpenTunnel = async ({ name }) => {
    if (name === 'galena') throw new BelayError('host-unreachable', `${name}: no route`)
    return { socketPath: d.socket('operate'), [Symbol.asyncDispose]: async () => {} }
  }
  const pki = (...args: string[]) =>
    runBelay(['-f', fleet, ...args, '--pki', join(directory, 'pki')], {
      run: fakeRun().run,
      openTunnel,
      clock: { ...systemClock, now: () => Date.now() + time.ahead },
      scan: noLeaks,
      newKey: () => 'key',
      signal: new AbortController().signal
    })
  await pki('pki', 'init')
  const held = async () => JSON.parse((await call(d.socket('observe'), 'GET', '/v1/certificate')).body)
  return { d, directory, pki, time, held }
}

t.test('a host is enrolled over its tunnel; what it is called is said by the fleet file', async (t) => {
  const { d, pki, held } = await world(t)
  t.same(await held(), { certificate: null })
  const done = await pki('--json', 'pki', 'enroll', 'cinnabar', '--dns', 'cinnabar.mesh.example')
  const [{ issued }] = JSON.parse(done.out).hosts
  t.match(issued, {
    ...{ kind: 'host', name: 'cinnabar', role: null, file: null },
    dns: ['cinnabar', 'cinnabar.mesh.example'],
    addresses: ['192.0.2.7']
  })
  t.match(await held(), { certificate: { serial: issued.serial } })
  for (const [method, path] of [
    ['POST', '/v1/certificate/request'],
    ['PUT', '/v1/certificate']
  ] as const)
    t.match(
      await call(d.socket('observe'), method, path, '{}'),
      { status: 403 },
      `${path} is not for observers`
    )
})

t.test(
  'half of its life over it gets another, with the same names; before that the list alone',
  async (t) => {
    const { pki, time, held } = await world(t)
    t.match(await pki('pki', 'enroll', '--due'), { code: 0, out: 'no host has a certificate\n' })
    await pki('pki', 'enroll', 'cinnabar', '--ip', '192.0.2.9')
    const first = await held()
    t.match(await pki('pki', 'enroll', '--due'), { code: 0, out: /cinnabar {2}has the newest list/ })
    t.match(await held(), { certificate: { serial: first.certificate.serial } })
    time.ahead = 16 * DAY
    t.match(await pki('pki', 'status'), { code: 1, out: /cinnabar +host +due/ })
    const again = await pki('--json', 'pki', 'enroll', '--due')
    t.match(JSON.parse(again.out), { hosts: [{ issued: { addresses: ['192.0.2.7', '192.0.2.9'] } }] })
    t.not((await held()).certificate.serial, first.certificate.serial)
    t.match(await pki('pki', 'status'), { code: 0, out: /cinnabar +host +good/ })
  }
)

t.test('a certificate that did not get to its host is made again the next time', async (t) => {
  const { d, pki, time, held } = await world(t)
  await pki('pki', 'enroll', 'cinnabar')
  const first = await held()
  time.ahead = 16 * DAY
  const trust = join(d.settings.stateDirectory, 'certificate/trust.pem')
  renameSync(trust, `${trust}.away`)
  mkdirSync(join(trust, 'in-the-way'), { recursive: true })
  t.match(await pki('pki', 'enroll', '--due'), { code: 1, out: /✖ cinnabar/ })
  rmSync(trust, { recursive: true })
  renameSync(`${trust}.away`, trust)
  t.match(await pki('pki', 'enroll', '--due'), { code: 0, out: /✔ cinnabar {2}until/ })
  t.not((await held()).certificate.serial, first.certificate.serial)
  t.match(await pki('pki', 'enroll', '--due'), { code: 0, out: /has the newest list/ })
})

t.test('renew --hosts brings hosts theirs, whatever became of the files', async (t) => {
  const { pki, time, held } = await world(t)
  const out = t.testdir({ home: {} })
  await pki('pki', 'issue', 'anna', '--role', 'operate', '--out', join(out, 'home'))
  await pki('pki', 'enroll', 'cinnabar')
  const first = await held()
  time.ahead = 16 * DAY
  rmSync(join(out, 'home'), { recursive: true })
  const done = await pki('pki', 'renew', '--hosts')
  t.match(done, { code: 1, out: /✔ cinnabar {2}until/, err: /anna/ })
  t.not((await held()).certificate.serial, first.certificate.serial)
  mkdirSync(join(out, 'home'))
  const again = await pki('--json', 'pki', 'renew', '--hosts')
  t.match(again, { code: 0 })
  t.match(JSON.parse(again.out), {
    certificates: [{ name: 'anna' }],
    hosts: [{ host: 'cinnabar', ok: true }]
  })
})

t.test('a host that is away is told; the others are served', async (t) => {
  const { pki } = await world(t)
  const both = await pki('pki', 'enroll', 'galena', 'cinnabar')
  t.match(both, { code: 1, out: /✔ cinnabar .*\n✖ galena {2}galena: no route \[host-unreachable\]/ })
  t.match(await pki('pki', 'enroll'), { code: 2, err: /names of hosts, or --due/ })
  t.match(await pki('pki', 'enroll', 'stibnite'), { code: 2 })
})

t.test('a tunnel that leads to another host than it should installs nothing', async (t) => {
  const { pki, held } = await world(t)
  t.match(await pki('pki', 'enroll', 'electrum'), {
    code: 1,
    out: /✖ electrum .*not for this host; wanted belay:\/\/host\/cinnabar in it \[certificate-unusable\]/
  })
  t.same(await held(), { certificate: null })
})
