import { mkdirSync } from 'node:fs'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import { join } from 'node:path'
import type { Role } from '../../shared/api/schemas.ts'
import type { App } from '../../shared/server/empty-app.ts'
import { httpLimits, openUnixSocket } from '../../shared/server/unix-socket.ts'
import type { Settings } from '../config/settings.ts'
import { assertOwnDirectory } from '../security/own-directory.ts'
import { register } from './caller.ts'

/** A socket for each role that has one; who may open the file has the role. */
const socketRoles = ['observe', 'propose', 'operate', 'admin'] as const satisfies readonly Role[]

/** Opens the sockets. Gives what closes them, cutting what is still connected. */
export async function listen(app: App, settings: Settings): Promise<() => Promise<void>> {
  mkdirSync(settings.socketDirectory, { recursive: true, mode: 0o755 })
  await assertOwnDirectory(settings.socketDirectory)
  const servers: Server[] = []
  const close = () => {
    for (const server of servers) {
      server.close()
      server.closeAllConnections()
    }
  }
  try {
    for (const role of socketRoles) {
      const server = createServer(httpLimits, app.routing)
      servers.push(server)
      server.on('connection', (socket) => register(socket, role))
      await openUnixSocket(server, join(settings.socketDirectory, `${role}.sock`), settings.groups[role])
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
