import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { agentClient, apiCaller } from '../../shared/agent-client/client.ts'
import { BelayError, codeOf } from '../../shared/errors.ts'
import type { ApiRole } from '../../shared/server/role.ts'
import { controllerRoles, OPERATOR_HEADER } from '../server/caller.ts'
import type { ClientConfig } from './client-config.ts'
import { endpointOf, readClientConfig } from './client-config.ts'
import { operatorName } from './commands/who.ts'

/** Where a command finds the daemon: named, or with the state that it would use itself. */
export interface ServerOptions {
  readonly state: string
  /** Directory of the daemon's sockets, or where it listens for other machines. */
  readonly server?: string
}

/** The daemon of the controller, as commands reach it. */
export interface Server {
  /** Its sockets, or its URL. */
  readonly at: string
  /** Asks over the weakest socket that has the role and that may be opened; over TLS with the one role there is. */
  call<T>(role: ApiRole, method: string, path: string, body?: unknown): Promise<T>
}

/** Milliseconds for one answer: a rollout of ten thousand hosts is read in some seconds. */
const TIMEOUT = 60_000

/** The daemon that runs, or null. Throws when one is named and does not answer. */
export async function findServer(
  { state, server: named }: ServerOptions,
  env: Readonly<Record<string, string | undefined>> = process.env
): Promise<Server | null> {
  const config = named === undefined || isUrl(named) ? await readClientConfig(env) : {}
  const server = named ?? config.server
  if (server !== undefined && isUrl(server)) return await remoteServer(server, config)
  const directory = server ?? join(state, 'sockets')
  const sockets = controllerRoles.map((role) => join(directory, `${role}.sock`)).filter(existsSync)
  for (const socket of sockets) {
    try {
      await agentClient(socket, 5000).live()
      return serverAt(directory)
    } catch (error) {
      // Somebody answers, and not to us: there is a daemon.
      if (codeOf(error) !== 'host-unreachable') {
        if (socket === sockets.at(-1)) throw error
      } else if (server === undefined) return null
      else throw error
    }
  }
  if (server === undefined) return null
  throw new BelayError('host-unreachable', `no daemon has its sockets in ${server}`, {
    found: server,
    wanted: 'the socket directory of belay serve'
  })
}

const isUrl = (server: string) => /^[a-z]+:\/\//.test(server)

async function remoteServer(server: string, config: ClientConfig): Promise<Server> {
  const endpoint = await endpointOf(server, config, Date.now())
  const call = apiCaller(endpoint, TIMEOUT)
  await call('GET', '/livez')
  return { at: endpoint.url.origin, call: (_, method, path, body) => call(method, path, body) }
}

function serverAt(directory: string): Server {
  return {
    at: directory,
    async call<T>(role: ApiRole, method: string, path: string, body?: unknown): Promise<T> {
      const roles = controllerRoles.slice(controllerRoles.indexOf(role as (typeof controllerRoles)[number]))
      let refused: unknown
      for (const each of roles) {
        const socket = join(directory, `${each}.sock`)
        const headers = { [OPERATOR_HEADER]: encodeURIComponent(operatorName()) }
        try {
          return await agentClient(socket, TIMEOUT).call<T>(method, path, body, headers)
        } catch (error) {
          if (codeOf(error) !== 'permission-denied') throw error
          refused ??= error
        }
      }
      throw refused
    }
  }
}
