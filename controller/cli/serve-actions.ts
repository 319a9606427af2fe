import { resolve } from 'node:path'
import { BelayError } from '../../shared/errors.ts'
import type { AuditEntry, Principal } from '../store/audit.ts'
import { operatorName } from './commands/who.ts'
import type { ServeActions } from './serve.ts'
import { findServer } from './server.ts'
import { auditView, tokensView } from './views/serve.ts'
import type { Terminal, Wiring } from './wiring.ts'

/** Each action of the daemon and its tokens. What they need is loaded when one is called: no other command has a use for it. */
export function serveActions(wiring: Wiring, { out, err, paint }: Terminal): ServeActions {
  const json = (value: unknown) => out(`${JSON.stringify(value, null, 2)}\n`)
  const storeOf = async (directory: string) =>
    (await import('../store/controller-store.ts')).openControllerStore(directory)
  const now = () => new Date(wiring.clock.now())
  const typed = (): Principal => ({
    name: operatorName(),
    role: 'admin',
    transport: 'state directory',
    request: null
  })
  return {
    async serve({ config, fleet, state }) {
      const { loadControllerSettings } = await import('../server/settings.ts')
      const settings = await loadControllerSettings(config)
      const { run, openTunnel, scan, clock, signal } = wiring
      const { STATE_DIRECTORY, RUNTIME_DIRECTORY } = process.env
      const stateDirectory = resolve(settings.stateDirectory || STATE_DIRECTORY || state)
      const socketDirectory = resolve(
        settings.socketDirectory || RUNTIME_DIRECTORY || `${stateDirectory}/sockets`
      )
      if (Buffer.byteLength(socketDirectory) > MAX_SOCKET_DIRECTORY) {
        throw new BelayError('invalid-config', `${socketDirectory} is too long for sockets`, {
          found: socketDirectory,
          wanted: `at most ${MAX_SOCKET_DIRECTORY} bytes; name another one as socketDirectory`
        })
      }
      const { serve } = await import('../server/serve.ts')
      await serve({
        settings,
        fleetFile: resolve(settings.fleetFile || fleet),
        ...{ stateDirectory, socketDirectory, run, openTunnel, scan, clock, signal }
      })
    },
    async tokenAdd(name, { role, expires, state, json: asJson }) {
      using store = await storeOf(state)
      const at = now()
      const expiresAt = expires === undefined ? null : new Date(at.getTime() + expires * 1000).toISOString()
      const token = store.tokens.add({ name, role, expiresAt }, at.toISOString(), typed())
      if (asJson) return json({ name, role, expiresAt, token })
      err(
        `token ${name} with role ${role}, good until ${expiresAt ?? 'it is revoked'}; it is not shown again:\n`
      )
      out(`${token}\n`)
    },
    async tokenList({ state, json: asJson }) {
      using store = await storeOf(state)
      const tokens = store.tokens.list()
      if (asJson) json({ tokens })
      else out(tokensView(tokens, wiring.clock.now(), paint))
    },
    async tokenRevoke(name, { state, json: asJson }) {
      using store = await storeOf(state)
      store.tokens.revoke(name, now().toISOString(), typed())
      if (asJson) json({ revoked: name })
      else out(`token ${name} is revoked\n`)
    },
    async audit(options) {
      const entries = await auditOf(options)
      if (options.json) json({ entries })
      else out(auditView(entries, paint))
    }
  }
  async function auditOf(options: Parameters<ServeActions['audit']>[0]): Promise<readonly AuditEntry[]> {
    const server = await findServer(options)
    if (server !== null) {
      const answer = await server.call<{ entries: AuditEntry[] }>('operate', 'GET', '/v1/audit')
      return answer.entries
    }
    using store = await storeOf(options.state)
    return store.audit(null, 200)
  }
}

/** The path of a socket ends at 107 bytes; the longest name of ours is `observe.sock`. */
const MAX_SOCKET_DIRECTORY = 107 - '/observe.sock'.length
