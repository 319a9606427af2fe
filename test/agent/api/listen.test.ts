import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { listen } from '../../../agent/api/listen.ts'
import { runCommand } from '../../../shared/command.ts'
import { call, shortDirectory, startDaemon } from '../fakes/daemon.ts'

/** Sends bytes, one every so often, until the other end closes; how long that took in milliseconds. */
function drip(path: string, head: string, everyMs: number): Promise<{ ms: number; said: string }> {
  return new Promise((resolve) => {
    const began = performance.now()
    let said = ''
    const socket = createConnection(path, () => socket.write(head))
    const timer = setInterval(() => socket.write('a'), everyMs)
    socket.on('data', (chunk) => {
      said += chunk
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearInterval(timer)
      resolve({ ms: performance.now() - began, said })
    })
  })
}

t.test('only root may open a socket unless a group is named', async (t) => {
  const d = await startDaemon(t)
  for (const role of ['observe', 'propose', 'operate', 'admin'])
    t.equal(statSync(d.socket(role)).mode & 0o777, 0o600, role)
  const settings = {
    ...d.settings,
    groups: { ...d.settings.groups, operate: 'no-such-group' },
    socketDirectory: shortDirectory(t)
  }
  await t.rejects(listen(d.app, settings), { code: 'invalid-config', found: 'no-such-group' })
})

t.test('a socket that a killed agent left is taken over, one that answers is not', async (t) => {
  const dir = shortDirectory(t)
  mkdirSync(join(dir, 'run'))
  const make = `require('net').createServer().listen(${JSON.stringify(join(dir, 'run/observe.sock'))}, () => process.kill(process.pid, 'SIGKILL'))`
  await runCommand([process.execPath, '-e', make], { timeoutMs: 10_000 })
  t.ok(statSync(join(dir, 'run/observe.sock')).isSocket(), 'left behind')
  const d = await startDaemon(t, dir)
  t.equal((await call(d.socket('observe'), 'GET', '/livez')).status, 200)
  await t.rejects(listen(d.app, d.settings), { code: 'invalid-config', found: d.socket('observe') })
})

t.test(
  'slow headers and a slow body are cut off; others are served meanwhile',
  { timeout: 30_000 },
  async (t) => {
    const d = await startDaemon(t)
    const slow = [
      drip(d.socket('operate'), 'GET /livez HTTP/1.1\r\nhost: x\r\nx: ', 300),
      drip(
        d.socket('operate'),
        'POST /v1/rollback HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n',
        300
      )
    ]
    t.equal((await call(d.socket('operate'), 'GET', '/livez')).status, 200)
    for (const { ms, said } of await Promise.all(slow)) {
      t.ok(ms < 12_000, `closed after ${Math.round(ms)} ms`)
      t.match(said, /^HTTP\/1\.1 408 /)
    }
  }
)

t.test('idle connections are bounded in number', async (t) => {
  const d = await startDaemon(t)
  const idle = Array.from({ length: 400 }, () => createConnection(d.socket('observe')).on('error', () => {}))
  const closed = await Promise.all(
    idle
      .slice(300)
      .map((socket) => new Promise<boolean>((resolve) => socket.once('close', () => resolve(true))))
  )
  t.equal(closed.length, 100, 'what is over the bound is closed at once')
  t.equal((await call(d.socket('operate'), 'GET', '/livez')).status, 200, 'the other sockets answer')
  for (const socket of idle) socket.destroy()
})

t.test('a directory in the way is an error, not a silent agent', async (t) => {
  const d = await startDaemon(t)
  const file = join(shortDirectory(t), 'run')
  writeFileSync(file, '')
  await t.rejects(listen(d.app, { ...d.settings, socketDirectory: file }))
})
