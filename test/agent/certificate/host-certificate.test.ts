import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { certificateFiles, HostCertificates } from '../../../agent/certificate/host-certificate.ts'
import { readRequest } from '../../../shared/x509/request.ts'
import { testAuthority } from '../../shared/server/authority.ts'

const HOUR = 3_600_000

/** A host that was never enrolled, and an authority. */
function world(t: Test) {
  const stateDirectory = t.testdir({})
  const settings = { stateDirectory, hostName: 'cinnabar' }
  const authority = testAuthority()
  const host = new HostCertificates(settings, Date.now)
  const files = certificateFiles(settings)
  /** What the authority signs for the key of a request. */
  const sign = async (name = 'cinnabar', content: object = {}) => {
    const key = readRequest(await host.request())
    return authority.host(name, { ...content, key })
  }
  const trust = () => ({ authorities: authority.cert, revocations: authority.revoke([]) })
  return { authority, host, files, sign, trust }
}

t.test('the key is made here, is for nobody else, and fits what is installed', async (t) => {
  const { host, files, sign, trust } = world(t)
  t.equal(await host.view(), null)
  const { cert, serial } = await sign()
  t.equal(await host.view(), null, 'asking changes nothing')
  t.match(await host.install({ certificate: cert, ...trust() }), { serial })
  t.match(await host.view(), { serial })
  t.equal(statSync(files.own).mode & 0o777, 0o600)
  t.equal(statSync(files.directory).mode & 0o777, 0o700)
  t.match(readFileSync(files.own, 'utf8'), /^-----BEGIN CERTIFICATE.*BEGIN PRIVATE KEY/s)
  t.same(readdirSync(files.directory).sort(), ['host.pem', 'trust.pem'], 'no key is left over')
})

t.test('what is not for this host and its newest key is refused, and changes nothing', async (t) => {
  const { host, authority, files, sign, trust } = world(t)
  const first = await sign()
  await host.install({ certificate: first.cert, ...trust() })
  const before = [readFileSync(files.own, 'utf8'), readFileSync(files.trust, 'utf8')]
  const refused = (why: string, install: Parameters<typeof host.install>[0]) =>
    t.rejects(host.install(install), { code: 'certificate-unusable' }, why)
  await refused('nothing was asked for', { certificate: first.cert, ...trust() })
  const other = await sign('galena')
  await refused("another host's name", { certificate: other.cert, ...trust() })
  await refused('the key of before', { certificate: first.cert, ...trust() })
  const role = authority.leaf({ uri: 'belay://role/admin/cinnabar', key: readRequest(await host.request()) })
  await refused('a role', { certificate: role.cert, ...trust() })
  const late = await sign('cinnabar', { from: Date.now() - 2 * HOUR, until: Date.now() - HOUR })
  await refused('expired', { certificate: late.cert, ...trust() })
  const good = await sign()
  const stranger = testAuthority()
  await refused('of another authority', {
    certificate: good.cert,
    authorities: stranger.cert,
    revocations: stranger.revoke([])
  })
  await refused('a list of another authority', {
    certificate: good.cert,
    authorities: authority.cert,
    revocations: stranger.revoke([])
  })
  await refused('a list that expired', {
    certificate: good.cert,
    authorities: authority.cert,
    revocations: authority.revoke([], Date.now() - HOUR / 2)
  })
  for (const text of ['', 'x', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'])
    await refused(JSON.stringify(text), { certificate: text, ...trust() })
  t.same([readFileSync(files.own, 'utf8'), readFileSync(files.trust, 'utf8')], before)
  t.match(
    await host.install({ certificate: good.cert, ...trust() }),
    { serial: good.serial },
    'the good one is not'
  )
})

t.test('a newer list alone leaves the certificate as it is', async (t) => {
  const { host, authority, sign, trust, files } = world(t)
  const { cert, serial } = await sign()
  await host.install({ certificate: cert, ...trust() })
  const until = Date.now() + 5 * HOUR
  const state = await host.install({
    authorities: authority.cert,
    revocations: authority.revoke(['0A'], until)
  })
  t.match(state, { serial, listUntil: new Date(Math.floor(until / 1000) * 1000).toISOString() })
  t.ok(statSync(join(files.directory, 'trust.pem')).size > 0)
})
