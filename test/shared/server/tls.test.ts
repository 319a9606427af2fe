import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { connect } from 'node:tls'
import type { Test } from 'tap'
import t from 'tap'
import { runCommand } from '../../../shared/command.ts'
import { eventually } from '../../controller/server/daemon.ts'
import { testAuthority } from './authority.ts'
import { tlsWorld } from './tls-world.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** What OpenSSL's client says of a handshake. */
async function sClient(port: number, ...args: string[]) {
  const argv = ['openssl', 's_client', '-connect', `127.0.0.1:${port}`, ...args]
  const { stdout, stderr } = await runCommand(argv, { timeoutMs: 20_000, input: '' })
  return `${stdout}${stderr}`
}

t.test('TLS 1.3 alone, with its ciphers alone', async (t) => {
  const { port } = await tlsWorld(t)
  for (const old of ['-tls1', '-tls1_1', '-tls1_2']) {
    const said = await sClient(port, old, '-cipher', 'ALL:@SECLEVEL=0')
    t.match(said, /Cipher is \(NONE\)/, old)
    t.notMatch(said, /BEGIN CERTIFICATE/, `${old}: not even the certificate`)
  }
  for (const cipher of ['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'])
    t.match(
      await sClient(port, '-tls1_3', '-ciphersuites', cipher),
      new RegExp(`New, TLSv1.3, Cipher is ${cipher}`)
    )
  for (const weak of ['TLS_AES_128_CCM_8_SHA256', 'TLS_AES_128_CCM_SHA256'])
    t.match(await sClient(port, '-tls1_3', '-ciphersuites', weak), /Cipher is \(NONE\)/, weak)
  for (const protocol of ['h2', 'http/1.0'])
    t.match(await sClient(port, '-alpn', protocol), /no application protocol/, protocol)
})

t.test('a session cannot be resumed, by Node nor by OpenSSL', async (t) => {
  const { port, authority } = await tlsWorld(t)
  const { cert, key } = authority.role('operate')
  const handshake = (session?: Buffer) =>
    new Promise<{ reused: boolean; session: Buffer | undefined }>((resolve, reject) => {
      let last: Buffer | undefined
      let reused = false
      const socket: TLSSocket = connect({
        ...{ host: '127.0.0.1', port, ca: authority.cert, cert, key },
        ...(session === undefined ? {} : { session })
      })
      socket.on('session', (ticket: Buffer) => {
        last = ticket
      })
      socket.on('error', reject)
      socket.on('secureConnect', () => {
        reused = socket.isSessionReused()
      })
      // An answer comes behind the tickets, so that those there are have come.
      socket.on('data', () => socket.destroy())
      socket.on('close', () => resolve({ reused, session: last }))
      socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    })
  const { session } = await handshake()
  t.equal((await handshake(session)).reused, false)
  const file = join(t.testdir({}), 'session')
  const request = { input: 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', timeoutMs: 20_000 }
  const base = ['openssl', 's_client', '-connect', `127.0.0.1:${port}`, '-ign_eof']
  await runCommand([...base, '-sess_out', file], request)
  const again = await runCommand([...base, '-sess_in', file], request)
  t.match(again.stdout, /^New, TLSv1.3/m)
  t.notMatch(again.stdout, /^Reused/m)
})

t.test(
  'a certificate is judged: by whom, for what, from when until when, and whether it was taken back',
  async (t) => {
    const { client, authority, write, listener } = await tlsWorld(t)
    const other = testAuthority('another authority')
    const stolen = authority.role('admin', 'stolen')
    write.revocations(authority.revoke([stolen.serial]))
    await listener.refresh()
    const cases = {
      'none is nobody': [null, { status: 200, text: 'nobody' }],
      good: [authority.role('operate'), { status: 200, text: 'CN=anna' }],
      'of another authority': [other.role('operate'), { status: 401, text: 'certificate-untrusted' }],
      // The same name, another key.
      'of an impostor': [testAuthority().role('operate'), { status: 401, text: 'certificate-untrusted' }],
      expired: [
        authority.role('operate', 'old', { from: Date.now() - 2 * HOUR, until: Date.now() - HOUR }),
        { status: 401, text: 'certificate-expired' }
      ],
      'not begun': [
        authority.role('operate', 'early', { from: Date.now() + HOUR }),
        { status: 401, text: 'certificate-untrusted' }
      ],
      revoked: [stolen, { status: 401, text: 'certificate-revoked' }],
      "a server's": [authority.server(), { status: 401, text: 'certificate-untrusted' }],
      "a host's, which is both": [authority.host('cinnabar'), { status: 200, text: 'CN=cinnabar' }]
    } as const
    for (const [name, [pair, expected]] of Object.entries(cases))
      t.match(await client(pair)(), expected, name)
  }
)

t.test('a certificate that signed itself is refused', async (t) => {
  const { client } = await tlsWorld(t)
  const directory = t.testdir({})
  const [key, cert] = [join(directory, 'key'), join(directory, 'cert')]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const says = ['-subj', '/CN=anna', '-addext', 'subjectAltName=URI:belay://role/admin/anna']
  await runCommand(['openssl', 'req', '-x509', ...curve, ...says, '-keyout', key, '-out', cert], {
    timeoutMs: 20_000
  })
  const pair = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  t.match(await client(pair)(), { status: 401, text: 'certificate-untrusted' })
})

t.test('where a certificate is required, nobody without a good one comes as far as a request', async (t) => {
  let asked = 0
  const { client, authority, write, listener } = await tlsWorld(t, {
    clients: 'required',
    handler: (_, response) => {
      asked += 1
      response.end('in')
    }
  })
  const stolen = authority.role('admin', 'stolen')
  write.revocations(authority.revoke([stolen.serial]))
  await listener.refresh()
  const old = { from: Date.now() - 2 * HOUR, until: Date.now() - HOUR }
  const refused = [null, testAuthority().role('admin'), authority.role('admin', 'old', old)]
  for (const pair of [...refused, authority.server(), stolen]) t.match(await client(pair)(), { status: 0 })
  t.equal(asked, 0)
  t.match(await client(authority.role('admin'))(), { status: 200 })
})

t.test('TLS 1.2 is refused to a client of Node too', async (t) => {
  const { client, authority } = await tlsWorld(t)
  t.match(await client(authority.role('operate'), 'TLSv1.2')(), {
    status: 0,
    text: 'EPROTO'
  })
})

t.test(
  'a certificate that expires on an open connection is refused, and the connection is cut',
  async (t) => {
    const { client, authority, time, listener } = await tlsWorld(t)
    const ask = client(authority.role('operate', 'anna', { until: Date.now() + HOUR }))
    t.match(await ask(), { status: 200, reused: false })
    time.ahead = HOUR + 2000
    t.match(await ask(), { status: 401, text: 'certificate-expired', reused: true })
    t.equal(listener.connections(), 1)
    await listener.refresh()
    await closedAll(listener)
    t.pass('a stream that was opened before does not outlive it')
  }
)

t.test('a certificate that is revoked on an open connection is refused', async (t) => {
  const { client, authority, write, listener } = await tlsWorld(t)
  const [anna, otto] = [authority.role('operate'), authority.role('observe', 'otto')]
  const [asAnna, asOtto] = [client(anna), client(otto)]
  t.match([await asAnna(), await asOtto()], [{ status: 200 }, { status: 200 }])
  write.revocations(authority.revoke([anna.serial]))
  t.match(await asAnna(), { status: 200 }, 'not read yet')
  await listener.refresh()
  t.match(await asOtto(), { status: 200, reused: true }, 'others are not cut off')
  const after = await asAnna()
  t.ok(after.text === 'certificate-revoked' || after.text === 'ECONNRESET', after.text)
  t.match(await asAnna(), { status: 401, text: 'certificate-revoked' })
})

t.test('a revocation list that has expired lets nobody in, and says so', async (t) => {
  const { client, authority, write, listener, time, log } = await tlsWorld(t)
  write.revocations(authority.revoke([], Date.now() + HOUR))
  await listener.refresh()
  const ask = client(authority.role('operate'))
  t.match(await ask(), { status: 200 })
  time.ahead = HOUR + 2000
  t.match(await ask(), { status: 401, text: 'revocation-list-expired' })
  t.match(await client(null)(), { status: 200, text: 'nobody' }, 'a token needs no list')
  await listener.refresh()
  t.match(log.join('\n'), /has expired .*revocation-list/)
  await listener.refresh()
  t.equal(log.filter((line) => /has expired/.test(line)).length, 1, 'once a day')
  write.revocations(authority.revoke([], Date.now() + DAY))
  await listener.refresh()
  t.match(await client(authority.role('operate'))(), { status: 200 })
})

t.test('a new certificate is used for new connections, and cuts none', async (t) => {
  const { client, authority, write, listener } = await tlsWorld(t)
  const ask = client(authority.role('operate'))
  const before = await ask()
  const next = authority.server()
  write.pair(next)
  await listener.refresh()
  t.match(await ask(), { status: 200, reused: true })
  t.match(await client(null)(), { status: 200, server: next.serial })
  t.not(before.server, next.serial)
})

t.test('files that do not fit are not used; those of before are, and it is told', async (t) => {
  const { client, authority, write, listener, files, log } = await tlsWorld(t)
  const { server } = await client(null)()
  const next = authority.server()
  writeFileSync(files.certificateFile, next.cert)
  await listener.refresh()
  t.match(listener.problem(), /are no certificate with its key/)
  t.match(log.join('\n'), /not used/)
  t.match(await client(null)(), { status: 200, server })
  write.pair(next)
  await listener.refresh()
  t.equal(listener.problem(), null)
  t.match(await client(null)(), { status: 200, server: next.serial })
  const bad = { crlFile: ['', 'x', testAuthority().revoke([])], clientCaFile: ['', 'x'] }
  for (const [file, contents] of Object.entries(bad)) {
    const path = files[file as keyof typeof bad]
    const good = readFileSync(path)
    for (const content of contents) {
      writeFileSync(path, content)
      await listener.refresh()
      t.match(listener.problem(), path, `${file}: ${content.slice(0, 20)}`)
      t.match(await client(authority.role('operate'))(), { status: 200 })
    }
    writeFileSync(path, good)
  }
  await listener.refresh()
  t.equal(listener.problem(), null)
})

t.test('authorities change while connections are open: those of the old one end', async (t) => {
  const { client, authority, write, listener } = await tlsWorld(t)
  const next = testAuthority('the next authority')
  const [asOld, asNew] = [client(authority.role('operate')), client(next.role('operate', 'otto'))]
  t.match(await asOld(), { status: 200 })
  write.authorities(authority.cert, next.cert)
  write.revocations(authority.revoke([]), next.revoke([]))
  await listener.refresh()
  t.match(await asOld(), { status: 200, reused: true })
  t.match(await asNew(), { status: 200, text: 'CN=otto' })
  write.authorities(next.cert)
  write.revocations(next.revoke([]))
  await listener.refresh()
  const after = await asOld()
  t.ok(after.text === 'certificate-untrusted' || after.text === 'ECONNRESET', after.text)
  t.match(await asOld(), { status: 401, text: 'certificate-untrusted' })
  t.match(await asNew(), { status: 200, reused: true })
})

t.test("a client's certificate is no server's, and a host's is that of no other host", async (t) => {
  const { authority, write, listener, client, port } = await tlsWorld(t)
  write.pair(authority.role('admin', 'anna', { addresses: ['127.0.0.1'] }))
  await listener.refresh()
  t.match(await client(null)(), { status: 0, text: 'INVALID_PURPOSE' })
  write.pair(authority.host('cinnabar'))
  await listener.refresh()
  const as = (name: string) =>
    sClient(port, '-servername', name, '-verify_hostname', name, '-CAfile', caFile(t, authority.cert))
  t.match(await as('cinnabar'), /Verify return code: 0 \(ok\)/)
  t.match(await as('galena'), /[Hh]ostname mismatch/)
})

t.test('one address does not take the place of all others, and gets its own back', async (t) => {
  const { port, client, authority } = await tlsWorld(t, { maxPerAddress: 3 })
  const open = () =>
    new Promise<TLSSocket>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, ca: authority.cert }, () => resolve(socket))
      socket.on('error', reject)
      t.teardown(() => socket.destroy())
    })
  const [first] = [await open(), await open(), await open()]
  t.match(await client(null)(), { status: 0, text: 'ECONNRESET' })
  first.destroy()
  await eventually(async () => (await client(null)()).status === 200, 'room')
  t.pass('a connection that ends makes room')
})

t.test('what reads the certificates says when they expire, a quarter of their life before', async (t) => {
  const { listener, time, log } = await tlsWorld(t)
  t.same(
    listener.expiries().map(({ what }) => what),
    ['server', 'client-authority', 'revocation-list']
  )
  await listener.refresh()
  t.same(log, [])
  time.ahead = 20 * HOUR
  await listener.refresh()
  t.match(log.join('\n'), /expires soon .*server/)
})

const caFile = (t: Test, pem: string) => {
  const file = join(t.testdir({}), 'ca.pem')
  writeFileSync(file, pem)
  return file
}

const closedAll = (listener: { connections(): number }) =>
  eventually(async () => listener.connections() === 0, 'the connection is cut')
