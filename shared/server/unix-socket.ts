import { chmodSync, chownSync, readFileSync, rmSync } from 'node:fs'
import type { Server } from 'node:net'
import { connect } from 'node:net'
import { BelayError } from '../errors.ts'

/**
 * Slow or silent peers are cut off; idle ones are bounded in number. Looking for them every second, on each socket, is
 * half of what an idle daemon does.
 */
export const httpLimits = {
  requestTimeout: 8000,
  headersTimeout: 4000,
  connectionsCheckingInterval: 3000,
  keepAliveTimeout: 60_000
}

/** Connections to one socket at the same time. */
export const MAX_CONNECTIONS = 256

/** Opens a socket; until its group is set nobody but its owner can open the file. */
export async function openUnixSocket(server: Server, path: string, group: string | null): Promise<void> {
  await assertFree(path)
  server.maxConnections = MAX_CONNECTIONS
  const before = process.umask(0o177)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  }).finally(() => process.umask(before))
  allowGroup(path, group)
}

/** Removes a socket that a killed daemon left; throws when somebody answers on it. */
async function assertFree(path: string): Promise<void> {
  const answers = await new Promise<boolean>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy()
      resolve(true)
    })
    probe.on('error', () => resolve(false))
  })
  if (answers) throw new BelayError('invalid-config', `another daemon answers on ${path}`, { found: path })
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
  // The owner stays: it need not be root.
  chownSync(path, process.getuid?.() ?? 0, Number(line.split(':')[2]))
  chmodSync(path, 0o660)
}
