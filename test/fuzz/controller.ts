import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Scope } from '../agent/fakes/daemon.ts'
import { startController } from '../controller/server/daemon.ts'
import { testAuthority } from '../shared/server/authority.ts'
import { freePort } from '../shared/server/tls-world.ts'
import type { TargetLine } from './targets.ts'

const fleet = 'version: 1\nhosts: { cinnabar: { tags: [web] }, galena: {} }\n'

/** The controller with its sockets and over TLS, with agents that are only told, and a rollout to be spoken to. */
export async function controller(scope: Scope, dir: string, listen: object): Promise<TargetLine> {
  const authority = testAuthority()
  const write = (name: string, text: string) => {
    writeFileSync(join(dir, name), text)
    return join(dir, name)
  }
  const { cert, key } = authority.server()
  const port = await freePort()
  const settings = {
    logLevel: 'error',
    listen: {
      ...{ address: '127.0.0.1', port, clients: 'optional' },
      // What is counted here are answers, not refusals to answer.
      ...{ requestsPerSecond: 10_000, requestsAtOnce: 10_000, maxPerAddress: 256 },
      certificateFile: write('cert.pem', cert),
      keyFile: write('key.pem', key),
      clientCaFile: write('ca.pem', authority.cert),
      crlFile: write('crl.pem', authority.revoke([])),
      ...listen
    }
  }
  const { socket, plan } = await startController(scope, { fleet, settings })
  const identities = [
    ...['operate', 'admin', 'approve', 'propose', 'observe'].map((role) => authority.role(role)),
    authority.host('cinnabar'),
    authority.leaf({ name: 'anna' })
  ]
  // With the authority at hand a client would send it along, of which Node keeps a copy for ever: docs/limits.md.
  const to = { host: '127.0.0.1', port, rejectUnauthorized: false }
  const roles = ['operate', 'admin', 'approve', 'propose', 'observe']
  const proposed = await plan()
  const lock = { client_params: { id: 'cinnabar', group: 'default' } }
  return {
    ways: [
      ...roles.map((role) => ({ socketPath: socket(role) })),
      ...identities.map((pair) => ({ ...to, cert: pair.cert, key: pair.key })),
      to
    ],
    known: ['current', 'cinnabar', 'galena', proposed.id],
    examples: {
      'POST /v1/rollouts': { plan: proposed, reason: 'a try', supersede: true },
      'POST /v1/proposals': { plan: await plan('c') },
      'POST /v1/pre-reboot': lock,
      'POST /v1/steady-state': lock
    }
  }
}
