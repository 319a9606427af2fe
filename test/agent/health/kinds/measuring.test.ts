import { createSocket } from 'node:dgram'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer as createHttp } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { createServer as createTcp } from 'node:net'
import { join } from 'node:path'
import { createServer as createTls } from 'node:tls'
import t from 'tap'
import { parseChecks } from '../../../../agent/config/checks.ts'
import { countRoots } from '../../../../agent/health/kinds/gc-roots.ts'
import type { World } from '../../../../agent/health/kinds/kind.ts'
import { kinds } from '../../../../agent/health/kinds/kinds.ts'
import { mustRun } from '../../../../shared/command.ts'

const places = { stateDirectory: '/var/lib/belay', bootDirectory: '/boot' }
const measure = (check: object, world: Partial<World> = {}) => {
  const [setting] = parseChecks({ x: check }, places)
  if (!setting) throw new Error('no setting')
  const signal = AbortSignal.timeout(10_000)
  return kinds[setting.kind].begin(setting.options)({
    root: '',
    signal,
    now: () => Date.now(),
    ...world
  } as World)
}
const open = (t: Tap, server: Server) =>
  new Promise<number>((resolve) => {
    t.teardown(() => server.close())
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
type Tap = { teardown(act: () => unknown): void }

t.test('http', async (t) => {
  const port = await open(
    t,
    createHttp((request, response) => {
      if (request.url === '/endless') {
        const flood = setInterval(() => response.write('x'.repeat(16_384)), 1)
        response.on('close', () => clearInterval(flood))
      } else if (request.url === '/silent') return
      else response.writeHead(request.url === '/' ? 200 : 302, { location: '/' }).end('all is well')
    })
  )
  const url = `http://127.0.0.1:${port}`
  t.match(await measure({ kind: 'http', url, contains: 'well' }), { result: 'pass' })
  t.match(
    await measure({ kind: 'http', url: `${url}/moved` }),
    { result: 'fail', message: /302/ },
    'not followed'
  )
  t.match(
    await measure({ kind: 'http', url: `${url}/endless` }),
    { result: 'pass' },
    'no more is read than enough'
  )
  t.match(await measure({ kind: 'http', url: 'http://127.0.0.1:1' }), {
    result: 'fail',
    message: /ECONNREFUSED/
  })
  const signal = AbortSignal.timeout(50)
  await t.rejects(measure({ kind: 'http', url: `${url}/silent` }, { signal }), { name: /Abort|Timeout/ })
})

t.test('a server that agrees to another protocol has answered', async (t) => {
  const answer = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'
  const port = await open(
    t,
    createTcp((socket) => void socket.on('error', () => {}).once('data', () => socket.write(answer)))
  )
  const check = { kind: 'http', url: `http://127.0.0.1:${port}/` }
  t.match(await measure(check), { result: 'fail', message: 'status 101, wanted 200' })
  t.match(await measure({ ...check, status: [101] }), { result: 'pass' })
})

t.test('dns', async (t) => {
  const server = createSocket('udp4')
  server.on('message', (question, { port, address }) => {
    // The question as it came, and to it one A record: 192.0.2.7 by a pointer to the name, for a minute.
    const header = Buffer.from(question.subarray(0, 12))
    header.writeUInt16BE(0x8180, 2)
    header.writeUInt16BE(1, 6)
    header.writeUInt16BE(0, 10)
    const end = question.indexOf(0, 12) + 5
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7])
    server.send(Buffer.concat([header, question.subarray(12, end), record]), port, address)
  })
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const check = { kind: 'dns', name: 'cinnabar.example', servers: [`127.0.0.1:${server.address().port}`] }
  t.match(await measure({ ...check, expect: ['192.0.2.7'] }), { result: 'pass', message: /192\.0\.2\.7/ })
  t.match(await measure({ ...check, expect: ['192.0.2.8'] }), { result: 'fail', message: /192\.0\.2\.8/ })
})

t.test('the certificate of a server, trusted or not', async (t) => {
  const dir = t.testdir()
  const files = ['-keyout', join(dir, 'key'), '-out', join(dir, 'cert')]
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...files]
  await mustRun(['openssl', 'req', '-x509', ...key, '-subj', '/CN=cinnabar.example', '-days', '10'], {
    timeoutMs: 20_000
  })
  const options = { key: readFileSync(join(dir, 'key')), cert: readFileSync(join(dir, 'cert')) }
  const port = await open(
    t,
    createTls(options, (socket) => socket.end())
  )
  const server = { host: '127.0.0.1', port }
  t.match(await measure({ kind: 'certificate-expiry', server }), { result: 'warn', message: /9 days left/ })
  const bracketed = { host: '[::ffff:127.0.0.1]', port }
  t.match(await measure({ kind: 'certificate-expiry', server: bracketed }), { result: 'warn' }, 'IPv6')
  t.match(await measure({ kind: 'certificate-expiry', file: join(dir, 'cert'), warnDays: 1, failDays: 0 }), {
    result: 'pass'
  })
  await t.rejects(measure({ kind: 'certificate-expiry', file: join(dir, 'none') }), { code: 'ENOENT' })
  t.match(await measure({ kind: 'certificate-expiry', file: '/etc/passwd' }), { result: 'unknown' })
  const begins = '-----BEGIN CERTIFICATE-----\n'.repeat(30_000)
  writeFileSync(join(dir, 'begins'), begins + readFileSync(join(dir, 'cert'), 'utf8').repeat(2))
  const begun = performance.now()
  t.match(await measure({ kind: 'certificate-expiry', file: join(dir, 'begins') }), { result: 'warn' })
  t.ok(performance.now() - begun < 5000, 'who writes the file does not hold the agent up')
})

t.test('sensors and roots are walked, and not for ever', async (t) => {
  const root = t.testdir()
  const chip = join(root, 'sys/class/hwmon/hwmon0')
  mkdirSync(chip, { recursive: true })
  for (const [name, text] of Object.entries({
    temp1_input: '41000\n',
    temp2_input: 'broken',
    fan1_input: '99000\n'
  }))
    writeFileSync(join(chip, name), text)
  t.match(await measure({ kind: 'temperature' }, { root }), { result: 'pass', value: 41 })
  const roots = join(root, 'gcroots')
  mkdirSync(join(roots, 'auto'), { recursive: true })
  for (let i = 0; i < 10; i++) symlinkSync('/nowhere', join(roots, 'auto', String(i)))
  symlinkSync(roots, join(roots, 'loop'))
  const { signal } = new AbortController()
  t.same(await countRoots(roots, signal), { roots: 11, complete: true }, 'links are not followed')
  t.match(await countRoots(roots, signal, 5), { complete: false })
})
