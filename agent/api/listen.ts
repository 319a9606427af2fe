import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Role } from '../../shared/api/schemas.ts'
import { BelayError } from '../../shared/errors.ts'
import type { Settings } from '../config/settings.ts'
import type { App } from './app.ts'
import { register } from './caller.ts'

/** A socket for each role that has one; who may open the file has the role. */
const socketRoles = ['observe', 'operate', 'admin'] as const satisfies readonly Role[]

type SocketRole = (typeof socketRoles)[number]

/**
 * Slow or silent peers are cut off; idle ones are bounded in number. Looking for them every second, on each socket, is
 * half of what an idle agent does.
 */
const limits = {
  requestTimeout: 8000,
  headersTimeout: 4000,
  connectionsCheckingInterval: 3000,
  keepAliveTimeout: 60_000
}
const MAX_CONNECTIONS = 256

/** Opens the sockets. Gives what closes them, cutting what is still connected. */
export async function listen(app: App, settings: Settings): Promise<() => Promise<void>> {
  mkdirSync(settings.socketDirectory, { recursive: true, mode: 0o755 })
  const servers: Server[] = []
  const close = () => {
    for (const server of servers) {
      server.close()
      server.closeAllConnections()
    }
  }
  try {
    for (const role of socketRoles) {
      const server = createServer(limits, app.routing)
      servers.push(server)
      await open(server, role, settings)
    }
  } catch (error) {
    close()
    throw error
  }
  return async () => {
    close()
    await app.close()
  }
}

/** Opens one socket; until its group is set nobody but root can open the file. */
async function open(server: Server, role: SocketRole, { socketDirectory, groups }: Settings): Promise<void> {
  const path = join(socketDirectory, `${role}.sock`)
  await assertFree(path)
  server.maxConnections = MAX_CONNECTIONS
  server.on('connection', (socket) => register(socket, role))
  const before = process.umask(0o177)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  }).finally(() => process.umask(before))
  allowGroup(path, groups[role])
}

/** Removes a socket that a killed agent left; throws when somebody answers on it. */
async function assertFree(path: string): Promise<void> {
  const answers = await new Promise<boolean>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy()
      resolve(true)
    })
    probe.on('error', () => resolve(false))
  })
  if (answers) throw new BelayError('invalid-config', `another agent answers on ${path}`, { found: path })
  rmSync(path, { force: true })
}

function allowGroup(path: string, group: string | null): void {
  if (group === null) return
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${group}:`))
  if (line === undefined) {
    throw new BelayError('invalid-config', `no group ${group} on this host`, {
      found: group,
      wanted: 'a group in /etc/group',
      at: 'groups'
    })
  }
  chownSync(path, 0, Number(line.split(':')[2]))
  chmodSync(path, 0o660)
}
