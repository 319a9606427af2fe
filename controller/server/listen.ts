import { mkdirSync } from 'node:fs'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import { join } from 'node:path'
import type { App } from '../../shared/server/empty-app.ts'
import type { Logger } from '../../shared/server/log.ts'
import type { TlsListener } from '../../shared/server/tls/listener.ts'
import { httpLimits, openUnixSocket } from '../../shared/server/unix-socket.ts'
import { controllerRoles, registerSocket } from './caller.ts'
import type { ControllerSettings } from './settings.ts'

/** What is closed at the end: it stops to take connections, and cuts those that there are. */
type Closing = Pick<Server, 'close' | 'closeAllConnections'>

/** What the listeners need besides the app. */
export interface ListenOptions {
  readonly directory: string
  readonly settings: Pick<ControllerSettings, 'groups' | 'listen'>
  readonly now: () => number
  readonly logger: Logger
}

/** What listens. */
export interface Listening {
  /** The listener for other machines; null where there is none. */
  readonly tls: TlsListener | null
  close(): Promise<void>
}

/** Opens a socket for each role, and the listener for other machines where there is one. */
export async function listen(app: App, options: ListenOptions): Promise<Listening> {
  const { directory, settings } = options
  const { groups, listen: remote } = settings
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
    const tls = remote.address === '' ? null : await openRemote(app, options)
    if (tls !== null) servers.push(tls)
    return {
      tls,
      close: async () => {
        close()
        await app.close()
      }
    }
  } catch (error) {
    close()
    throw error
  }
}

/** What TLS takes is loaded where somebody listens. */
async function openRemote(app: App, { settings, now, logger }: ListenOptions): Promise<TlsListener> {
  const [{ openTls }, { readTlsFiles }] = await Promise.all([
    import('../../shared/server/tls/listener.ts'),
    import('../../shared/server/tls/files.ts')
  ])
  const { certificateFile, keyFile, clientCaFile, crlFile, clients, ...rest } = settings.listen
  const files = { certificateFile, keyFile, clientCaFile: clientCaFile || null, crlFile: crlFile || null }
  return await openTls({
    ...rest,
    read: (before) => readTlsFiles(files, before),
    clients: clientCaFile === '' ? 'none' : clients,
    handler: app.routing,
    now,
    logger
  })
}
