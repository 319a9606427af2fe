import { writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { join } from 'node:path'
import { connect } from 'node:tls'
import t from 'tap'
import { startCommand } from '../../../shared/command.ts'
import { testAuthority } from './authority.ts'
import { freePort } from './tls-world.ts'

t.test('who shakes hands with certificates as large as they may be leaves nothing in memory', async (t) => {
  const directory = t.testdir({})
  const write = (name: string, text: string) => writeFileSync(join(directory, `${name}.pem`), text)
  const authority = testAuthority()
  const { cert, key } = authority.server()
  write('server', `${cert}${key}`)
  write('ca', authority.cert)
  write('crl', authority.revoke([]))
  const port = await freePort()
  const program = join(import.meta.dirname, '../../bench/tls-server.ts')
  const ready = Promise.withResolvers<void>()
  const child = await startCommand([process.execPath, '--expose-gc', program, directory, `${port}`], {
    onStdoutLine: () => ready.resolve()
  })
  t.teardown(() => child.kill())
  await ready.promise
  const to = { host: '127.0.0.1', port, rejectUnauthorized: false }
  const memory = () =>
    new Promise<number>((resolve, reject) => {
      const req = get({ ...to, path: '/memory', agent: false }, (res) => {
        res.on('data', (chunk) => resolve(JSON.parse(String(chunk)).rss / 1024 / 1024))
      })
      req.on('error', reject)
    })
  // An authority of nobody, which is sent along: some 60 KiB.
  const stranger = testAuthority('x'.repeat(20_000))
  const own = stranger.role('admin')
  const identity = { cert: `${own.cert}${stranger.cert}`, key: own.key }
  const shake = () =>
    new Promise<void>((resolve) => {
      const socket = connect({ ...to, ...identity }, () => socket.end())
      socket.on('error', () => {})
      socket.on('close', () => resolve())
    })
  const shakeHands = async (times: number) => {
    for (let i = 0; i < times; i++) await shake()
    return await memory()
  }
  const before = await shakeHands(60)
  const after = await shakeHands(200)
  t.ok(after < before + 20, `${before.toFixed(1)} MiB, then ${after.toFixed(1)} MiB`)
})
