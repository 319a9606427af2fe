import { Type } from 'typebox'
import type { Finding, Thresholds } from './kind.ts'
import { defineKind, hostName, judge, orNull, path, port, some, thresholds, userName } from './kind.ts'
import { sshCommand } from './ssh.ts'

/** How long one peer may take, in milliseconds: a connection attempt, not a session. */
const PEER_MS = 5000

const back = Type.Object(
  {
    host: hostName('Address of this host, as the peers know it'),
    port: port(22),
    login: orNull(userName('User on the peers')),
    identityFile: orNull(path('Private key')),
    knownHostsFile: orNull(path('Known hosts'))
  },
  { additionalProperties: false, description: 'Ask the peers, by ssh, to open a connection to this host' }
)

/** Peers that must be reached, and where `back` is set must reach this host. */
export const meshKind = defineKind({
  options: {
    peers: Type.Array(
      Type.Object({ host: hostName('Name or address'), port: port(22) }, { additionalProperties: false }),
      { minItems: 1, maxItems: 50, description: 'Hosts of the mesh' }
    ),
    back: orNull(back),
    ...thresholds('Seconds to the slowest peer', { warn: 0.1, fail: null })
  },
  gives: { measures: 'duration', unit: 'seconds' },
  begin:
    ({ peers, back, ...bounds }) =>
    async (world) => {
      const trips: Trip[] = []
      // One after the other: a check is to load neither host nor network.
      for (const { host, port } of peers) {
        const connection = { host, port, warn: null, fail: null }
        const { value, message } = await world.network({
          kind: 'tcp',
          options: connection,
          withinMs: PEER_MS
        })
        trips.push({ peer: host, there: value ?? message, back: back === null ? null : await fromPeer(host) })
      }
      return judgeTrips(trips, bounds)

      async function fromPeer(peer: string): Promise<string | true> {
        const {
          host = '',
          port: to,
          ...login
        } = back ?? { port: 22, login: null, identityFile: null, knownHostsFile: null }
        // `host` is made of characters that no shell takes for anything.
        const script = `timeout 5 bash -c '</dev/tcp/${host.replace(/[[\]%]/g, '')}/${to}'`
        const argv = sshCommand({ host: peer, port: null, ...login }, [script])
        const { code, stderr, ended } = await world.runContained(argv, { user: null, environment: {} })
        if (ended === 'exited' && code === 0) return true
        return stderr.trim().split('\n').at(-1)?.slice(0, 120) || `ssh ${ended} ${code}`
      }
    }
})

/** The way to a peer in seconds, and whether it got back; a text says why not. */
export interface Trip {
  readonly peer: string
  readonly there: number | string
  readonly back: true | string | null
}

/** Fails when a peer was not reached or did not reach us; the value is the way to the slowest. */
export function judgeTrips(trips: readonly Trip[], bounds: Thresholds): Finding {
  const reached = trips.flatMap(({ there }) => (typeof there === 'number' ? [there] : []))
  const slowest = reached.length === 0 ? null : Math.max(...reached)
  const broken = trips.flatMap(({ peer, there, back }) => [
    ...(typeof there === 'string' ? [`${peer}: ${there}`] : []),
    ...(typeof back === 'string' ? [`${peer} does not reach us: ${back}`] : [])
  ])
  if (broken.length > 0) return { result: 'fail', value: slowest, message: some(broken, 3) }
  const text = `${trips.length} peers, the slowest ${((slowest ?? 0) * 1000).toFixed(1)} ms`
  return judge(slowest ?? 0, bounds, text)
}
