import { codeOf, describeError } from '../../shared/errors.ts'
import { VERSION } from '../../shared/version.ts'
import type { Run } from '../build/run.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import { hostClient } from '../transport/host-client.ts'
import { destination, sshOptions } from '../transport/ssh-args.ts'
import type { OpenTunnel } from '../transport/tunnel.ts'
import type { Finding } from './finding.ts'
import { fails, fine, warns } from './finding.ts'

/** What looking at a host needs. */
export interface ReachPorts {
  readonly run: Run
  readonly openTunnel: OpenTunnel
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly signal: AbortSignal
}

/** Milliseconds for one ssh command. */
const SSH_TIMEOUT = 20_000
/** Seconds by which clocks may differ: approvals and soaks are dated. */
const MAX_SKEW = 10

/** What ssh says when it does not get through, why, and what to do. The first that matches counts. */
const sshTroubles: readonly [RegExp, string, (host: FleetHost) => string][] = [
  [
    /host key verification failed|no .* host key is known/i,
    'its host key is not known here',
    ({ ssh }) =>
      `compare the key with the host's own, then add it: ssh-keyscan ${ssh.port === null ? '' : `-p ${ssh.port} `}${ssh.host} >> ~/.ssh/known_hosts`
  ],
  [
    /remote host identification has changed/i,
    'its host key is another one than before',
    ({ ssh }) => `find out why first: it may be another machine. Then ssh-keygen -R ${ssh.host}`
  ],
  [
    /permission denied/i,
    'it does not let us in',
    ({ ssh }) =>
      `put your public key into the authorized_keys of ${ssh.user}, or name another as identityFile`
  ],
  [
    /could not resolve hostname|name or service not known/i,
    'its name does not resolve',
    () => 'correct connection.ssh.host in the fleet file, or the name service'
  ],
  [
    /connection refused/i,
    'nothing listens for ssh there',
    () => 'start sshd on the host, or correct connection.ssh.port'
  ],
  [
    /timed out|no route to host|network is unreachable/i,
    'it does not answer',
    () => 'is it on, and is the network between?'
  ],
  [
    /bad owner or permissions|unprotected private key/i,
    'ssh does not trust its own files here',
    () => 'chmod 600 the file that it names'
  ]
]

/** Looks at one host: ssh, its clock, its agent. What lies behind a failure is not looked at. */
export async function doctorHost(host: FleetHost, ports: ReachPorts): Promise<Finding[]> {
  const [ssh, clock] = await overSsh(host, ports)
  if (ssh.level === 'fail') return [ssh]
  return [ssh, ...(clock === null ? [] : [clock]), ...(await agentOf(host, ports))]
}

async function overSsh(
  host: FleetHost,
  { run, now, signal }: ReachPorts
): Promise<[Finding, Finding | null]> {
  const { ssh, name } = host
  const fixed = ['-T', '-o', 'ControlMaster=no', '-o', 'ControlPath=none']
  const argv = [...ssh.command, ...fixed, ...sshOptions(ssh), destination(ssh), 'date', '+%s']
  const before = now()
  const result = await run(argv, { timeoutMs: SSH_TIMEOUT, signal, maxOutput: 64 * 1024 }).catch(
    (error: unknown) => {
      signal.throwIfAborted()
      return { code: null, stdout: '', stderr: describeError(error), timedOut: false }
    }
  )
  signal.throwIfAborted()
  const said = result.timedOut ? 'timed out' : result.stderr.trim()
  if (result.code !== 0) return [sshTrouble(host, said || `ssh ended with ${result.code}`), null]
  const theirs = Number(result.stdout.trim())
  const reached = fine('ssh', `${destination(ssh)} lets us in`, name)
  if (!(theirs > 0)) return [reached, null]
  const middle = (before + now()) / 2000
  const skew = Math.round(theirs - middle)
  const slow = (now() - before) / 2000
  if (Math.abs(skew) <= MAX_SKEW + slow) return [reached, fine('clock', 'its clock is as ours', name)]
  const text = `its clock is ${Math.abs(skew)} s ${skew > 0 ? 'ahead of' : 'behind'} ours`
  return [reached, warns('clock', text, 'set up time synchronisation on the one that is wrong', name)]
}

function sshTrouble(host: FleetHost, said: string): Finding {
  const known = sshTroubles.find(([pattern]) => pattern.test(said))
  const last = said.split('\n').at(-1) ?? ''
  const [, text, remedy] = known ?? [null, last, () => `try it by hand: ssh ${destination(host.ssh)}`]
  // A host that may be away is no fault.
  const away = host.presence === 'intermittent' && known !== undefined && /does not answer/.test(text)
  const full = text === last ? text : `${text} (${last})`
  return (away ? warns : fails)('ssh', full, remedy(host), host.name)
}

async function agentOf(host: FleetHost, { openTunnel, signal }: ReachPorts): Promise<Finding[]> {
  const { name, socket, ssh } = host
  try {
    await using tunnel = await openTunnel(host, signal)
    const state = await hostClient(tunnel.socketPath).host()
    const answers = fine('agent', `it answers on ${socket}`, name)
    return [
      answers,
      versionOf(name, state.agentVersion),
      ...(state.name === name ? [] : [otherName(name, state.name)])
    ]
  } catch (error) {
    signal.throwIfAborted()
    const text = describeError(error)
    const remedy =
      codeOf(error) === 'permission-denied' || /permission denied|administratively prohibited/i.test(text)
        ? `make ${ssh.user} a member of the group of ${socket} (groups.operate of the agent), and let sshd forward to sockets`
        : `on the host: systemctl status belay-agent; the socket is to be ${socket}, and ${ssh.user} in its group (groups.operate)`
    return [fails('agent', text, remedy, name)]
  }
}

function versionOf(host: string, theirs: string): Finding {
  if (theirs === VERSION) return fine('version', `agent ${theirs}, as the controller`, host)
  return warns(
    'version',
    `agent ${theirs}, controller ${VERSION}`,
    'deploy the host with the same release',
    host
  )
}

function otherName(wanted: string, found: string): Finding {
  const remedy = 'correct connection.ssh.host, or hostName of the agent: verdicts are refused otherwise'
  return warns('name', `it calls itself ${found}`, remedy, wanted)
}
