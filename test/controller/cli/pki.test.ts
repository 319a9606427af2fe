import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { systemClock } from '../../../controller/deploy/clock.ts'
import { openAuthority } from '../../../controller/pki/authority.ts'
import { runCommand } from '../../../shared/command.ts'
import { identityOf } from '../../../shared/x509/identity.ts'
import { makeRequest } from '../../../shared/x509/request.ts'
import { readRevocations } from '../../../shared/x509/revocation-list.ts'
import { fakeRun } from '../fakes/run.ts'
import { noLeaks } from '../fakes/scan.ts'
import { runBelay } from './run-belay.ts'

const DAY = 86_400_000

/** A command line with an authority, at a time that the test sets. */
function world(t: Test) {
  const directory = join(t.testdir({}), 'pki')
  const out = join(directory, 'out')
  const time = { ahead: 0 }
  const wiring = {
    run: fakeRun().run,
    openTunnel: async () => {
      throw new Error('no host has a part in this')
    },
    clock: { ...systemClock, now: () => Date.now() + time.ahead },
    scan: noLeaks,
    newKey: () => 'key',
    signal: new AbortController().signal
  }
  const pki = (word: string, ...args: string[]) =>
    runBelay(['pki', word, ...args, '--pki', directory], wiring)
  const status = async () => {
    const { out: text } = await runBelay(['--json', 'pki', 'status', '--pki', directory], wiring)
    return JSON.parse(text) as { certificates: { name: string; is: string; serial: string }[] }
  }
  const read = (name: string) => readFileSync(join(directory, name), 'utf8')
  const revocations = () => readRevocations(read('crl.pem'), [new X509Certificate(read('ca.pem'))])
  return { directory, out, time, pki, status, read, revocations }
}

const verify = (directory: string, file: string, purpose: string) =>
  runCommand(
    [
      ...['openssl', 'verify', '-x509_strict', '-purpose', purpose, '-crl_check'],
      ...['-CRLfile', join(directory, 'crl.pem'), '-CAfile', join(directory, 'ca.pem'), file]
    ],
    { timeoutMs: 20_000 }
  )

t.test('an authority is made once, and its key is for nobody else', async (t) => {
  const { pki, directory, read } = world(t)
  t.match(await pki('status'), { code: 2, err: /authority-missing/ })
  t.match(await pki('init', '--name', 'Authority of the fleet'), { code: 0, out: /ca\.pem/ })
  t.equal(statSync(join(directory, 'ca.key')).mode & 0o777, 0o600)
  t.equal(statSync(join(directory, 'issued.json')).mode & 0o777, 0o600)
  const { subject, ca } = new X509Certificate(read('ca.pem'))
  t.same({ subject, ca }, { subject: 'CN=Authority of the fleet', ca: true })
  const before = read('ca.key')
  t.match(await pki('init'), { code: 2, err: /already/ })
  t.equal(read('ca.key'), before)
  t.match(await pki('init', '--name', 'a\nb'), { code: 2 })
})

t.test('one that was cut off while it was made goes on with the key that is there', async (t) => {
  const { pki, directory, read } = world(t)
  await pki('init')
  const key = read('ca.key')
  for (const file of ['issued.json', 'ca.pem', 'crl.pem']) rmSync(join(directory, file))
  t.match(await pki('init'), { code: 0 })
  t.equal(read('ca.key'), key)
  t.match(await pki('status'), { code: 0, out: /nothing is signed yet/ })
})

t.test('one of which a part is gone says which', async (t) => {
  for (const file of ['ca.key', 'ca.pem']) {
    const { pki, directory } = world(t)
    await pki('init')
    rmSync(join(directory, file))
    t.match(await pki('renew'), { code: 2, err: new RegExp(`${file} is gone.*authority-missing`) })
  }
})

t.test('certificates are for callers or for servers, and OpenSSL agrees', async (t) => {
  const { pki, directory, out } = world(t)
  await pki('init')
  t.match(await pki('issue', 'anna', '--role', 'operate', '--out', out), { code: 0, out: /until/ })
  t.match(await pki('issue', 'web', '--dns', 'web.example', '--ip', '192.0.2.7,2001:db8::1', '--out', out), {
    code: 0
  })
  const [anna, web] = [join(out, 'anna.pem'), join(out, 'web.pem')]
  t.equal(statSync(anna).mode & 0o777, 0o600)
  const certificate = new X509Certificate(readFileSync(anna))
  t.same(identityOf(certificate), { kind: 'role', role: 'operate', name: 'anna' })
  t.ok(
    Math.abs(certificate.validToDate.getTime() - Date.now() - 30 * DAY) < DAY,
    'thirty days unless it is said'
  )
  t.ok(new X509Certificate(readFileSync(web)).checkIP('192.0.2.7'))
  const cases = [
    [anna, 'sslclient', 0],
    [anna, 'sslserver', 2],
    [web, 'sslserver', 0],
    [web, 'sslclient', 2]
  ] as const
  for (const [file, purpose, code] of cases)
    t.equal((await verify(directory, file, purpose)).code, code, `${file} ${purpose}`)
  const key = await runCommand(['openssl', 'pkey', '-in', anna, '-noout', '-text'], { timeoutMs: 20_000 })
  t.match(key.stdout, /prime256v1/)
  for (const wrong of [
    ['anna', '--role', 'operate'],
    ['otto'],
    ['otto', '--role', 'operate', '--dns', 'otto.example'],
    ['../otto', '--role', 'operate'],
    ['a\nb', '--role', 'operate'],
    ['otto', '--role', 'root'],
    ['otto', '--ip', 'otto.example'],
    ['otto', '--role', 'operate', '--days', '399']
  ])
    t.match(await pki('issue', ...wrong, '--out', out), { code: 2 }, wrong.join(' '))
  t.same(readdirSync(out).sort(), ['anna.pem', 'web.pem'])
})

t.test(
  'a request is signed for the name that is said, whatever it says, when it proves its key',
  async (t) => {
    const { pki, directory, out } = world(t)
    await pki('init')
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const file = join(directory, 'request.pem')
    writeFileSync(file, makeRequest(privateKey, 'root'))
    t.match(await pki('issue', 'anna', '--role', 'observe', '--request', file, '--out', out), { code: 0 })
    const text = readFileSync(join(out, 'anna.pem'), 'utf8')
    const certificate = new X509Certificate(text)
    t.same(identityOf(certificate), { kind: 'role', role: 'observe', name: 'anna' })
    t.equal(certificate.subject, 'CN=anna')
    t.ok(certificate.publicKey.equals(createPublicKey(privateKey)))
    t.notMatch(text, /PRIVATE KEY/)
    const signedByAnother = makeRequest(privateKey, 'x').split('\n')
    signedByAnother[3] = `${signedByAnother[3]?.slice(0, -4)}AAAA`
    const rsaKey = ['-newkey', 'rsa:2048', '-nodes', '-keyout', join(directory, 'rsa.key')]
    const rsa = await runCommand(['openssl', 'req', '-new', ...rsaKey, '-subj', '/CN=x'], {
      timeoutMs: 20_000
    })
    for (const [what, bad] of Object.entries({
      empty: '',
      broken: makeRequest(privateKey, 'x').replace('MI', 'AA'),
      changed: signedByAnother.join('\n'),
      rsa: rsa.stdout,
      two: makeRequest(privateKey, 'x').repeat(2)
    })) {
      writeFileSync(file, bad)
      const answer = await pki('issue', 'otto', '--role', 'admin', '--request', file, '--out', out)
      t.match(answer, { code: 1, err: /certificate-unusable/ }, what)
    }
    t.notOk(existsSync(join(out, 'otto.pem')))
  }
)

t.test('half of a life over, a certificate is due; the next one has another key, in one step', async (t) => {
  const { pki, out, time, status } = world(t)
  await pki('init')
  await pki('issue', 'anna', '--role', 'operate', '--out', out)
  const file = join(out, 'anna.pem')
  const before = readFileSync(file, 'utf8')
  t.match(await pki('renew'), { code: 0, out: /nothing is due/ })
  t.equal(readFileSync(file, 'utf8'), before)
  time.ahead = 16 * DAY
  t.match(await pki('status'), { code: 1, out: /anna +operate +due/ })
  t.match(await pki('renew'), { code: 0, out: /renewed: anna/ })
  const after = readFileSync(file, 'utf8')
  const [old, next] = [new X509Certificate(before), new X509Certificate(after)]
  t.notOk(old.publicKey.equals(next.publicKey), 'another key')
  t.ok(
    next.checkPrivateKey((await import('node:crypto')).createPrivateKey(after)),
    'that is in the same file'
  )
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.match(await status(), { certificates: [{ is: 'replaced' }, { name: 'anna', is: 'good' }] })
  t.match(await pki('status'), { code: 0 })
  time.ahead = 60 * DAY
  t.match(await status(), { certificates: [{ is: 'replaced' }, { is: 'expired' }] })
  t.match(await pki('renew'), { code: 0, out: /renewed: anna/ })
})

t.test('one that could not be written is made again the next time', async (t) => {
  const { pki, out, time, status } = world(t)
  await pki('init')
  await pki('issue', 'anna', '--role', 'operate', '--out', out)
  time.ahead = 16 * DAY
  const file = join(out, 'anna.pem')
  rmSync(file)
  mkdirSync(join(file, 'in-the-way'), { recursive: true })
  t.match(await pki('renew'), { code: 1 })
  rmSync(file, { recursive: true })
  t.match(await status(), { certificates: [{ is: 'due' }, { is: 'good' }] })
  t.match(await pki('renew'), { code: 0, out: /renewed: anna/ })
  t.match(await status(), { certificates: [{ is: 'replaced' }, { is: 'replaced' }, { is: 'good' }] })
  t.match(await pki('renew', 'anna'), { code: 0, out: /^renewed: anna.*\n$/ }, 'and one for all of a name')
})

t.test('one that cannot be written keeps neither the list nor the others back', async (t) => {
  const { pki, out, time, status, directory } = world(t)
  await pki('init')
  await pki('issue', 'anna', '--role', 'operate', '--out', join(out, 'anna'))
  await pki('issue', 'otto', '--role', 'observe', '--out', out)
  time.ahead = 16 * DAY
  rmSync(join(out, 'anna'), { recursive: true })
  const list = readFileSync(join(directory, 'crl.pem'), 'utf8')
  t.match(await pki('renew'), { code: 1, out: /^renewed: otto/, err: /anna/ })
  t.not(readFileSync(join(directory, 'crl.pem'), 'utf8'), list, 'a newer list')
  await pki('renew')
  t.match(await status(), { certificates: [{ is: 'due' }, { is: 'replaced' }, { is: 'good' }] })
  t.equal((await status()).certificates.length, 3, 'nothing was signed in vain')
})

t.test('revoked: on the list, with every one of the name, and never renewed', async (t) => {
  const { pki, out, directory, revocations, status } = world(t)
  await pki('init')
  await pki('issue', 'anna', '--role', 'operate', '--out', out)
  await pki('renew', 'anna')
  await pki('issue', 'otto', '--role', 'observe', '--out', out)
  t.equal(revocations().serials.size, 0)
  t.match(await pki('revoke', 'anna'), { code: 2, err: /--reason/ })
  t.match(await pki('revoke', 'anna', '--reason', 'key-compromise'), {
    code: 0,
    out: /(revoked: anna.*\n){2}/
  })
  const { certificates } = await status()
  const anna = certificates.filter(({ name }) => name === 'anna').map(({ serial }) => serial)
  t.same([...revocations().serials].sort(), [...anna].sort())
  t.equal(anna.length, 2)
  t.match((await verify(directory, join(out, 'anna.pem'), 'sslclient')).stderr, /certificate revoked/)
  t.equal((await verify(directory, join(out, 'otto.pem'), 'sslclient')).code, 0)
  t.match(await pki('revoke', 'anna', '--reason', 'superseded'), { code: 2, err: /certificate-unknown/ })
  t.match(await pki('renew', 'anna'), { code: 0, out: /nothing is due/ })
  const [otto] = certificates.filter(({ name }) => name === 'otto')
  t.match(await pki('revoke', otto?.serial.toLowerCase() ?? '', '--reason', 'unspecified'), { code: 0 })
  t.equal(revocations().serials.size, 3)
})

t.test('records that are damaged are not written over', async (t) => {
  const { pki, directory, read } = world(t)
  await pki('init')
  for (const bad of [
    '',
    '{}',
    '{"format":2}',
    '[',
    read('issued.json').replace('"lists": 1', '"lists": "1"')
  ]) {
    writeFileSync(join(directory, 'issued.json'), bad)
    for (const command of [['status'], ['renew'], ['init'], ['issue', 'anna', '--role', 'operate']])
      t.match(await pki(...(command as [string])), { code: 1, err: /store-broken/ }, String(command[0]))
    t.equal(read('issued.json'), bad)
  }
})

t.test('one command at a time', async (t) => {
  const { pki, directory } = world(t)
  await pki('init')
  using _ = await openAuthority(directory, Date.now)
  t.match(await pki('renew'), { code: 1, err: /another belay is at work.*store-locked/ })
})

t.test(
  'a list that cannot be written: the record says that it is revoked, and the next command writes it',
  async (t) => {
    const { pki, out, directory, revocations } = world(t)
    await pki('init')
    await pki('issue', 'anna', '--role', 'operate', '--out', out)
    const list = readFileSync(join(directory, 'crl.pem'))
    rmSync(join(directory, 'crl.pem'))
    // A directory in its place: nothing can be renamed over it.
    const blocked = join(directory, 'crl.pem')
    await runCommand(['mkdir', '-p', join(blocked, 'x')], { timeoutMs: 5000 })
    t.match(await pki('revoke', 'anna', '--reason', 'key-compromise'), { code: 1 })
    rmSync(blocked, { recursive: true })
    writeFileSync(blocked, list)
    chmodSync(blocked, 0o644)
    await pki('renew')
    t.equal(revocations().serials.size, 1)
  }
)
