import { mkdirSync, readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Server as NetServer } from 'node:net'
import { join } from 'node:path'
import { BelayError } from '../../shared/errors.ts'
import type { App } from '../../shared/server/empty-app.ts'
import { httpLimits, MAX_CONNECTIONS, openUnixSocket } from '../../shared/server/unix-socket.ts'
import { controllerRoles, registerSocket } from './caller.ts'
import type { ControllerSettings } from './settings.ts'

/** What is closed at the end: it stops to take connections, and cuts those that there are. */
type Closing = Pick<Server, 'close' | 'closeAllConnections'>

/** Opens a socket for each role, and the listener for other machines where there is one. Gives what closes them. */
export async function listen(
  app: App,
  directory: string,
  { groups, listen: remote }: Pick<ControllerSettings, 'groups' | 'listen'>
): Promise<() => Promise<void>> {
  mkdirSync(directory, { recursive: true, mode: 0o755 })
  const servers: Closing[] = []
  const close = () => {
    for (const server of servers) {
      server.close()
      server.closeAllConnections()
    }
  }
  try {
    for (const role of controllerRoles) {
      const server = createServer(httpLimits, app.routing)
      servers.push(server)
      server.on('connection', (socket) => registerSocket(socket, role))
      await openUnixSocket(server, join(directory, `${role}.sock`), groups[role])
    }
    if (remote.address !== '') servers.push(await openTls(app, remote))
  } catch (error) {
    close()
    throw error
  }
  return async () => {
    close()
    await app.close()
  }
}

async function openTls(
  app: App,
  { address, port, certificateFile, keyFile }: ControllerSettings['listen']
): Promise<Closing> {
  const server = tlsServer(app, certificateFile, keyFile)
  server.maxConnections = MAX_CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    ;(server as NetServer).listen(port, address, resolve)
  }).catch((cause: Error) => {
    throw new BelayError('invalid-config', `no listener on ${address} port ${port}: ${cause.message}`, {
      cause
    })
  })
  return server
}

function tlsServer(app: App, certificateFile: string, keyFile: string) {
  try {
    const keys = { cert: readFileSync(certificateFile), key: readFileSync(keyFile) }
    return createTlsServer(
      { ...httpLimits, ...keys, minVersion: 'TLSv1.2', handshakeTimeout: 4000 },
      app.routing
    )
  } catch (cause) {
    const text = `${certificateFile} and ${keyFile} are no certificate with its key: ${(cause as Error).message}`
    throw new BelayError('certificate-unusable', text, { cause, at: certificateFile })
  }
}
