import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { connect } from 'node:tls'
import { startCommand } from '../../shared/command.ts'
import { testAuthority } from '../shared/server/authority.ts'
import { freePort } from '../shared/server/tls-world.ts'

/** What the listener over TLS costs: handshakes, requests and idle connections. Client and server share the machine. */
const SECONDS = 5
const AT_ONCE = 8
const directory = mkdtempSync(join(tmpdir(), 'belay-bench-'))
const authority = testAuthority()
const write = (name: string, text: string) => writeFileSync(join(directory, `${name}.pem`), text)
const server = authority.server()
const anna = authority.role('operate')
write('server', `${server.cert}${server.key}`)
write('ca', authority.cert)
write('crl', authority.revoke(Array.from({ length: 1000 }, (_, i) => (0x1000 + i).toString(16))))
const show = (name: string, figure: string) => console.log(`  ${name.padEnd(58)}${figure.padStart(14)}`)

/** A listener that lets so many in, and what is asked of it. */
async function listener(most: number) {
  const port = await freePort()
  const flags = ['--expose-gc', '--optimize-for-size']
  const ready = Promise.withResolvers<void>()
  const program = join(import.meta.dirname, 'tls-server.ts')
  const child = await startCommand([process.execPath, ...flags, program, directory, `${port}`, `${most}`], {
    onStdoutLine: () => ready.resolve()
  })
  await ready.promise
  const to = { host: '127.0.0.1', port, ca: authority.cert }
  const ask = (path: string, agent: Agent | false, own: object = { cert: anna.cert, key: anna.key }) =>
    new Promise<string>((resolve, reject) => {
      const req = request({ ...to, ...own, path, agent }, (res) => {
        let text = ''
        res.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        res.on('end', () => resolve(text))
      })
      req.on('error', reject)
      req.end()
    })
  const memory = async () => JSON.parse(await ask('/memory', false)) as { rss: number; open: number }
  /** A connection that says nothing once it stands; null when it is refused. */
  const idle = () =>
    new Promise<TLSSocket | null>((resolve) => {
      const socket = connect(to, () => resolve(socket))
      socket.on('error', () => resolve(null))
    })
  return { ask, memory, idle, end: () => child.kill() }
}

/** How often a thing is done in a second, several at once. */
async function perSecond(act: () => Promise<unknown>): Promise<number> {
  const end = performance.now() + SECONDS * 1000
  let count = 0
  const one = async () => {
    while (performance.now() < end) {
      await act()
      count += 1
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
  return count / SECONDS
}

try {
  const { ask, memory, idle, end } = await listener(2000)
  show(
    'new connection with a certificate, one request',
    `${Math.round(await perSecond(() => ask('/', false)))}/s`
  )
  show('new connection without one', `${Math.round(await perSecond(() => ask('/', false, {})))}/s`)
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
  show(
    'request on an open connection, judged each time',
    `${Math.round(await perSecond(() => ask('/', agent)))}/s`
  )
  agent.destroy()
  const before = await memory()
  const sockets = await Promise.all(Array.from({ length: 1000 }, idle))
  const after = await memory()
  show('idle connections that it held', `${after.open - 1}`)
  show('memory of each', `${((after.rss - before.rss) / (after.open - 1) / 1024).toFixed(1)} KiB`)
  for (const socket of sockets) socket?.destroy()
  await end()
  const bounded = await listener(256)
  const small = await bounded.memory()
  for (let round = 0; round < 20; round++) {
    const some = await Promise.all(Array.from({ length: 500 }, bounded.idle))
    for (const socket of some) socket?.destroy()
  }
  const flood = await Promise.all(Array.from({ length: 1000 }, bounded.idle))
  show('of 1,000 at once beside 256: let in', `${flood.filter((socket) => socket !== null).length}`)
  for (const socket of flood) socket?.destroy()
  const end256 = await bounded.memory()
  show('memory more after 11,000 connections', `${((end256.rss - small.rss) / 1024 / 1024).toFixed(1)} MiB`)
  await bounded.end()
} finally {
  rmSync(directory, { recursive: true, force: true })
}
