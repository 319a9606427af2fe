import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import t from 'tap'
import { openSshTunnel } from '../../../controller/transport/tunnel.ts'
import { agentClient } from '../../../shared/agent-client/client.ts'
import { fleetHost } from '../fakes/fleet-host.ts'

const fakeSsh = fileURLToPath(new URL('../fakes/ssh.ts', import.meta.url))
const never = new AbortController().signal
const before = process.env.TMPDIR
t.teardown(() => {
  if (before === undefined) delete process.env.TMPDIR
  else process.env.TMPDIR = before
})

/** A host whose agent listens in a directory of its own; temporary directories are made next to it. */
async function host(t: Test, options: string[] = []) {
  const directory = mkdtempSync('/tmp/belay-tunnel-test-')
  process.env.TMPDIR = directory
  const socket = join(directory, 'agent.sock')
  const server = createServer((_, response) => response.end('{"status":"ok","version":"1"}'))
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
    rmSync(directory, { recursive: true, force: true })
  })
  const ssh = JSON.stringify({ command: [process.execPath, fakeSsh], options })
  return {
    host: fleetHost('cinnabar', `{ connection: { ssh: ${ssh}, socket: ${socket} } }`),
    left: () => readdirSync(directory).filter((name) => name !== 'agent.sock')
  }
}

t.test('a tunnel leads to the agent, in a directory of ours, and leaves nothing', async (t) => {
  const { host: cinnabar, left } = await host(t)
  const tunnel = await openSshTunnel(cinnabar, never)
  t.match(await agentClient(tunnel.socketPath).live(), { status: 'ok' })
  t.equal(statSync(dirname(tunnel.socketPath)).mode & 0o777, 0o700)
  await tunnel[Symbol.asyncDispose]()
  t.notOk(existsSync(tunnel.socketPath))
  t.same(left(), [])
})

t.test('two tunnels are two connections', async (t) => {
  const { host: cinnabar } = await host(t)
  await using one = await openSshTunnel(cinnabar, never)
  await using two = await openSshTunnel(cinnabar, never)
  t.not(one.socketPath, two.socketPath)
})

t.test('ssh that fails is an unreachable host, with what ssh said', async (t) => {
  const { host: cinnabar, left } = await host(t, ['fail'])
  await t.rejects(openSshTunnel(cinnabar, never), {
    code: 'host-unreachable',
    message: /^cinnabar \(root@cinnabar\): ssh: connect to host cinnabar port 22: Connection refused$/
  })
  t.same(left(), [])
})

t.test('an interruption ends the tunnel', async (t) => {
  const { host: cinnabar, left } = await host(t)
  await t.rejects(openSshTunnel(cinnabar, AbortSignal.abort()), { name: 'AbortError' })
  const interrupt = new AbortController()
  await using tunnel = await openSshTunnel(cinnabar, interrupt.signal)
  interrupt.abort()
  await tunnel[Symbol.asyncDispose]()
  t.same(left(), [])
})
