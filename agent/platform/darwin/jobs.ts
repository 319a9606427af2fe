import { join } from 'node:path'
import { agentCommand, toolPath, UNREADABLE } from '../agent-command.ts'
import type { PlistValue } from './plist.ts'
import { tools } from './tools.ts'

/** The agent, as launchd/darwin-module.nix installs it. */
export const AGENT_LABEL = 'org.nixos.belay-agent'
const AGENT_LOG = '/var/log/belay-agent.log'
/** Where the system keeps the property lists that it loads at boot. */
export const LAUNCH_DAEMONS = '/Library/LaunchDaemons'

/** What the labels of an operation's own jobs begin with. */
const OURS = 'org.belay.'
/** The job in which the runner carries out one operation: its label keeps a second runner out. */
export const RUNNER_LABEL = `${OURS}operation`
/** The job in which a system's `activate` runs. */
export const ACTIVATION_LABEL = `${OURS}activation`
/** A retention that the agent has started: its label keeps a second one out. */
export const GC_LABEL = `${OURS}gc`
/** The guard of one operation. */
export const guardLabel = (id: string) => `${OURS}guard.${id}`

/** True for the jobs of an operation. */
export const isOurs = (label: string) => label.startsWith(OURS)

/** In the system's own folder: a guard outlives a reboot, and the agent. */
export const guardPlist = (id: string) => join(LAUNCH_DAEMONS, `${guardLabel(id)}.plist`)

/** Started again whenever it ends otherwise than with 0. */
const restarted = { RunAtLoad: true, KeepAlive: { SuccessfulExit: false } }
const environment = () => ({ HOME: '/var/root', PATH: toolPath() })

/** The shell that lets a runner rest whose journal cannot be read; its arguments are the runner's command line. */
const runnerScript = `/bin/wait4path /nix/store; "$@"; status=$?; [ "$status" -ne ${UNREADABLE} ] || exit 0; exit "$status"`

/** The runner. Not in the system's folder: after a reboot the agent starts it, or else the guard does its work. */
export function runnerJob(id: string, directory: string, config: string | null): PlistValue {
  return {
    Label: RUNNER_LABEL,
    ProgramArguments: [
      ...[tools.sh, '-c', runnerScript, 'runner'],
      ...agentCommand(),
      ...(config === null ? [] : ['--config', config]),
      ...['run-operation', id]
    ],
    ...restarted,
    ThrottleInterval: 2,
    EnvironmentVariables: environment(),
    StandardErrorPath: join(directory, 'runner.log'),
    StandardOutPath: join(directory, 'runner.log')
  }
}

/** A retention, once. */
export function gcJob(config: string | null): PlistValue {
  return {
    Label: GC_LABEL,
    ProgramArguments: [...agentCommand(), ...(config === null ? [] : ['--config', config]), 'gc'],
    RunAtLoad: true,
    EnvironmentVariables: environment(),
    // newsyslog rotates it.
    StandardErrorPath: AGENT_LOG,
    StandardOutPath: AGENT_LOG
  }
}

/** An activation, once. It is not started again, neither when it fails nor by a boot. */
export function activationJob(of: {
  readonly directory: string
  readonly toplevel: string
  /** What /run/current-system is to name before it begins; null leaves it as it is. */
  readonly from: string | null
  readonly limitSeconds: number
}): PlistValue {
  const { directory, toplevel, from, limitSeconds } = of
  const script = join(directory, 'activate.sh')
  return {
    Label: ACTIVATION_LABEL,
    ProgramArguments: [
      tools.sh,
      script,
      directory,
      toplevel,
      from ?? '-',
      String(limitSeconds),
      ACTIVATION_LABEL
    ],
    RunAtLoad: true,
    ExitTimeOut: 10,
    EnvironmentVariables: environment()
  }
}

/** The guard: of POSIX sh and the programs of macOS. */
export function guardJob(id: string, directory: string): PlistValue {
  return {
    Label: guardLabel(id),
    ProgramArguments: [
      tools.sh,
      join(directory, 'guard.sh'),
      directory,
      RUNNER_LABEL,
      ACTIVATION_LABEL,
      AGENT_LABEL
    ],
    ...restarted,
    ThrottleInterval: 5,
    EnvironmentVariables: { HOME: '/var/root', PATH: '/usr/bin:/bin:/usr/sbin:/sbin' },
    StandardErrorPath: join(directory, 'guard.log'),
    StandardOutPath: join(directory, 'guard.log')
  }
}
