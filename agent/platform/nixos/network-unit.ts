import { runQuietly } from '../../../shared/command.ts'
import type { NetworkProgram } from '../../network/half.ts'
import { networkCommand } from '../../network/program.ts'
import { toolPath } from '../agent-command.ts'
import { networkUnit } from './units.ts'

/** How long the service manager may take to end one, in milliseconds; by force after one second. */
const CLEAR_MS = 3000

/** How long that of an operation may last, whose runner may be gone for ever: far longer than all votes together. */
const VOTES_MAX = '15min'

/** Which authorities Node trusts can be said in its environment. */
const passedOn = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR']

/** What is not for it, whatever the permissions say: to ask the agent, Nix or the service manager, and to see what they keep. */
const hidden = [
  ...['/run/dbus', '/run/systemd/private', '/run/systemd/notify', '/nix/var', '/boot', '/root'],
  // To write without end: PrivateTmp gives it a folder of the host's own disk, and journald keeps what anybody says.
  ...['/tmp', '/var/tmp', '/run/systemd/journal']
]

interface Places {
  readonly stateDirectory: string
  readonly socketDirectory: string
}

/** The limits of the network half, each with its reason in docs/hardening.md. */
const limits = ({ stateDirectory, socketDirectory }: Places): readonly string[] => [
  'DynamicUser=yes',
  'ProtectSystem=strict',
  'ProtectHome=yes',
  `InaccessiblePaths=${[...hidden, stateDirectory, socketDirectory].map((path) => `-${path}`).join(' ')}`,
  'CapabilityBoundingSet=',
  'NoNewPrivileges=yes',
  'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6',
  'SystemCallArchitectures=native',
  'SystemCallFilter=@system-service',
  'SystemCallFilter=~@privileged @resources @obsolete',
  'SystemCallErrorNumber=EPERM',
  'RestrictNamespaces=yes',
  'RestrictSUIDSGID=yes',
  'RestrictRealtime=yes',
  'LockPersonality=yes',
  'PrivateDevices=yes',
  'PrivateUsers=yes',
  'PrivateTmp=yes',
  'ProtectKernelTunables=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelLogs=yes',
  'ProtectControlGroups=yes',
  'ProtectHostname=yes',
  'ProtectClock=yes',
  'ProtectProc=invisible',
  'ProcSubset=pid',
  'RemoveIPC=yes',
  'KeyringMode=private',
  'UMask=0077',
  'LimitCORE=0',
  'MemoryHigh=96M',
  'MemoryMax=192M',
  'TasksMax=64',
  'CPUWeight=20',
  'OOMPolicy=kill',
  'TimeoutStopSec=1'
]

/** The command line of the network half, in a transient unit, with its standard input and output passed on. */
export function networkArgv(unit: string, places: Places, more: readonly string[]): readonly string[] {
  return [
    ...['systemd-run', '--quiet', '--collect', '--pipe', '--no-ask-password', '--service-type=exec'],
    ...[`--unit=${unit}`, '--description=Belay network half'],
    ...[...limits(places), ...more].map((limit) => `--property=${limit}`),
    ...passedOn.filter((name) => process.env[name]).map((name) => `--setenv=${name}`),
    '--',
    ...networkCommand()
  ]
}

/** The network half of the daemon, or of one operation. */
export function networkProgram(places: Places, operation: string | null): NetworkProgram {
  const unit = networkUnit(operation)
  return {
    argv: networkArgv(unit, places, operation === null ? [] : [`RuntimeMaxSec=${VOTES_MAX}`]),
    env: { ...process.env, PATH: toolPath(), LC_ALL: 'C.UTF-8' } as Record<string, string>,
    clear: async () => void (await runQuietly(['systemctl', 'stop', unit], CLEAR_MS))
  }
}
