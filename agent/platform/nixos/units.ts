import type { ProfileName } from '../../../shared/api/profile.ts'
import { userOf } from '../../../shared/api/profile.ts'
import { agentCommand, toolPath, UNREADABLE } from '../agent-command.ts'
import { ACTIVATION_UNIT } from './transient-unit.ts'

/** The unit in which the runner carries out one operation on the system: its name keeps a second runner out. */
export const RUNNER_UNIT = 'belay-operation.service'
const HOME_RUNNERS = 'belay-operation-home-'

/** The unit of a retention that the agent has started. */
export const GC_UNIT = 'belay-gc.service'
/** What the names of the units begin with in which the commands of checks run. */
export const CHECK_UNITS = 'belay-check-'

/** What the names of the units begin with in which the network is reached. */
const NETWORK_UNITS = 'belay-network'

/** The network half of an operation, for as long as its checks vote; without one that of the daemon. */
export const networkUnit = (operation: string | null) =>
  operation === null ? `${NETWORK_UNITS}.service` : `${NETWORK_UNITS}-${operation}.service`

/** What the names of the units begin with in which homes are activated. */
export const HOME_UNITS = 'belay-home-'

/** The unit in which the runner carries out an operation on a profile: its name keeps a second one off that profile. */
export function runnerUnit(profile: ProfileName): string {
  const user = userOf(profile)
  return user === null ? RUNNER_UNIT : `${HOME_RUNNERS}${user}.service`
}

/** The guard of one operation. */
export const guardUnit = (id: string) => `belay-guard-${id}.service`

/** The guard of a trial boot: a unit of the generation that is tried, which the boot starts. */
export const TRIAL_UNIT = 'belay-trial.service'

const common = [
  ...['systemd-run', '--collect', '--no-ask-password', '--quiet', '--service-type=exec'],
  // As the agent's own unit: no memory in a file, and nothing that others read without need.
  ...['--property=LimitCORE=0', '--property=UMask=0077']
]

/** True for the transient units of an operation, of a check, or of what reaches the network. */
export function isOurs(unit: string): boolean {
  return (
    unit === RUNNER_UNIT ||
    unit === GC_UNIT ||
    unit === `${ACTIVATION_UNIT}.service` ||
    [HOME_RUNNERS, HOME_UNITS, CHECK_UNITS, NETWORK_UNITS, 'belay-guard-'].some((ours) =>
      unit.startsWith(ours)
    )
  )
}

/**
 * Started again whenever it ends otherwise than by itself or by `systemctl stop`: systemd takes these signals for a clean
 * end.
 */
const restarted = [
  '--property=Restart=on-failure',
  '--property=RestartForceExitStatus=SIGTERM SIGINT SIGHUP SIGPIPE',
  '--property=StartLimitIntervalSec=0'
]

/**
 * Starts the runner in a unit of its own. When it dies systemd starts it again, ever more slowly; starting and
 * recovering are the same call. PATH is the agent's, so that both use the same tools.
 */
export function runnerCommand(id: string, config: string | null, unit = RUNNER_UNIT): string[] {
  return [
    ...common,
    `--unit=${unit}`,
    `--description=Belay operation ${id}`,
    ...restarted,
    `--property=RestartPreventExitStatus=${UNREADABLE}`,
    '--property=RestartSec=300ms',
    '--property=RestartSteps=8',
    '--property=RestartMaxDelaySec=60s',
    // Where it dies the host is as safe as anywhere: nobody need wait for it.
    '--property=TimeoutStopSec=10',
    `--setenv=PATH=${toolPath()}`,
    '--',
    ...agentCommand(),
    ...(config === null ? [] : ['--config', config]),
    'run-operation',
    id
  ]
}

/** The operation of a runner, by the description of its unit; null for another who has the name, as a rescue that switches. */
export const operationOf = (description: string): string | null =>
  /^Belay operation (\S+)$/.exec(description)?.[1] ?? null

/** Starts a retention. It has its own time limits; this one is for what nobody has thought of. */
export function gcCommand(config: string | null): string[] {
  return [
    ...common,
    `--unit=${GC_UNIT}`,
    '--description=Belay retention of generations',
    '--property=RuntimeMaxSec=1h',
    `--setenv=PATH=${toolPath()}`,
    '--',
    ...agentCommand(),
    ...(config === null ? [] : ['--config', config]),
    'gc'
  ]
}

/** Starts the guard from the operation's own copy of the script: it needs nothing of any generation but tools. */
export function guardCommand(id: string, directory: string): string[] {
  return [
    ...common,
    `--unit=${guardUnit(id)}`,
    ...restarted,
    '--property=RestartSec=5s',
    '--',
    '/bin/sh',
    `${directory}/guard.sh`,
    directory,
    toolPath()
  ]
}
