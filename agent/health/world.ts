import { randomBytes } from 'node:crypto'
import type { BoundedResult } from '../../shared/command.ts'
import { runBounded, runQuietly } from '../../shared/command.ts'
import type { Observed } from '../operation/drift.ts'
import { toolPath } from '../platform/agent-command.ts'
import { CHECK_UNITS } from '../platform/nixos/units.ts'
import type { Contained, Finding, Question, World } from './kinds/kind.ts'
import type { CheckClock } from './run-check.ts'

/** Output of a command that is kept; with more it is ended. */
const MAX_OUTPUT = 256 * 1024

/** What a check may ask of this host, but for its memory. */
export interface HostParts extends CheckClock {
  readonly bootId: string
  readonly observe: () => Promise<Observed>
  /** Has the network half look. */
  readonly network: (question: Question, signal: AbortSignal) => Promise<Finding>
}

/** One run of one check. */
export interface RunOf {
  readonly name: string
  readonly timeoutSeconds: number
  readonly signal: AbortSignal
  readonly recall: () => unknown
  readonly remember: (memory: unknown) => void
}

/** The real host, as one run of one check may see it. */
export function hostWorld(host: HostParts, { name, timeoutSeconds, signal, recall, remember }: RunOf): World {
  return {
    root: '',
    bootId: host.bootId,
    now: () => host.now(),
    monotonicMs: () => host.monotonicMs(),
    network: (question) => host.network(question, signal),
    observe: host.observe,
    recall,
    remember,
    signal,
    run: (argv, { maxOutput = MAX_OUTPUT } = {}) =>
      runBounded(argv, { signal, maxOutput, env: { PATH: toolPath(), LC_ALL: 'C.UTF-8' } }),
    runContained: (argv, contained) => runContained({ name, timeoutSeconds, signal, argv, contained })
  }
}

/** Beyond the check's own time, when nobody is left to end it, in seconds. */
const BACKSTOP = 5

/**
 * The command line that runs another in a transient unit: whatever that one starts is in its control group and ends with
 * it, daemons too. It yields to everything else on the host.
 */
export function containedCommand(what: {
  readonly unit: string
  readonly argv: readonly string[]
  readonly contained: Contained
  readonly timeoutSeconds: number
}): readonly string[] {
  const { unit, argv, contained, timeoutSeconds } = what
  const { user, environment } = contained
  const property = (...assignments: string[]) => assignments.map((each) => `--property=${each}`)
  const path = user === null ? toolPath() : `/etc/profiles/per-user/${user}/bin:${toolPath()}`
  return [
    'systemd-run',
    ...['--quiet', '--collect', '--wait', '--pipe', '--no-ask-password', '--expand-environment=no'],
    ...['--service-type=exec', `--unit=${unit}`, `--description=A check of Belay`],
    ...property(`RuntimeMaxSec=${timeoutSeconds + BACKSTOP}`, 'TimeoutStopSec=1', 'KillMode=control-group'),
    ...property('TasksMax=512', 'CPUWeight=20', 'IOWeight=20', 'OOMPolicy=kill', 'LimitCORE=0'),
    ...(user === null ? [] : [`--uid=${user}`, ...property('WorkingDirectory=-~')]),
    `--setenv=PATH=${path}`,
    ...Object.entries(environment).map(([name, value]) => `--setenv=${name}=${value}`),
    '--',
    ...argv
  ]
}

async function runContained(what: {
  readonly name: string
  readonly timeoutSeconds: number
  readonly signal: AbortSignal
  readonly argv: readonly string[]
  readonly contained: Contained
}): Promise<BoundedResult> {
  const { name, signal } = what
  const unit = `${CHECK_UNITS}${name}-${randomBytes(4).toString('hex')}.service`
  const env = { PATH: toolPath(), LC_ALL: 'C.UTF-8' }
  const result = await runBounded(containedCommand({ ...what, unit }), { signal, maxOutput: MAX_OUTPUT, env })
  // Only systemd-run has ended then, not what it has started.
  if (result.ended !== 'exited') await runQuietly(['systemctl', 'kill', '--signal=SIGKILL', unit], 10_000)
  // The service manager did not take it, which says nothing of the command.
  const refused = result.code !== 0 && /^Failed to (connect to|start transient)/m.test(result.stderr)
  return refused ? { ...result, code: null, ended: 'unstartable' } : result
}
