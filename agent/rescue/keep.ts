import { chmod, lstat, mkdir, readFile, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { isOfSystem } from '../../shared/api/profile.ts'
import { durableWrite } from '../../shared/durable-write.ts'
import type { Settings } from '../config/settings.ts'
import { operationsRoot } from '../operation/operations.ts'
import type { OperationState } from '../operation/state.ts'
import { operationDirectory } from '../operation/store.ts'
import type { Evidence } from './evidence.ts'
import { gather } from './evidence.ts'
import { motd } from './motd.ts'
import type { Plan } from './plan.ts'
import { isUntouched, planRescue, setAside } from './plan.ts'
import type { ScriptOptions } from './script.ts'
import { rescueScript } from './script.ts'
import type { Way } from './way.ts'

/** Read by pam_motd(8) where it has no options; on NixOS and macOS by the login shell. */
export const LOGIN_MESSAGE = '/run/motd.d/belay'

/** Where the way back lies as a shell script. */
export const scriptPath = ({ stateDirectory }: Pick<Settings, 'stateDirectory'>) =>
  join(stateDirectory, 'rescue.sh')

/**
 * Writes the way back from now as a shell script. Called when the guard is armed, where it leads to the baseline, and
 * when an operation has ended, where it leads to the last other generation known to be good. Leaves the script of before
 * where there is no way back.
 */
export async function keepRescueScript(
  settings: Settings,
  way: Way,
  at: string,
  evidence?: Evidence
): Promise<void> {
  const found = evidence ?? (await gather(settings, way))
  // At the arming the phase is one in which nothing has changed yet: the script is for what comes.
  const unfinished =
    found.unfinished?.phase === 'arming'
      ? { ...found.unfinished, phase: 'activating' as const }
      : found.unfinished
  const plan = planRescue({ ...found, unfinished }, settings, way)
  if (plan !== null) await durableWrite(scriptPath(settings), scriptFor(plan, settings, way, at), 0o700)
}

/** A plan as a shell script. */
export function scriptFor(plan: Plan, settings: Settings, way: Way, at: string): string {
  const { operation } = plan
  const options: ScriptOptions = {
    hostName: settings.hostName || hostname(),
    writtenAt: at,
    path: scriptPath(settings),
    profile: settings.profile,
    targets: [plan.target, ...plan.fallbacks],
    chosen: plan.chosen.storePath,
    left: plan.left,
    operation:
      operation === null
        ? null
        : {
            directory: operationDirectory(operationsRoot(settings), operation.id),
            setAside: setAside(settings, operation.id),
            turns: operation.itsOwnWay || isUntouched(operation.phase)
          },
    limitSeconds: settings.limits.activationSeconds
  }
  return rescueScript(options, way)
}

/** What the keeper of the login message knows already. */
export interface Seen {
  readonly operations: readonly OperationState[]
  readonly unreadable: readonly string[]
}

/**
 * Puts the message at login in place while a person is needed, and takes it away again. Cheap while nobody is, for who
 * has seen the operations already; who has not reads them.
 */
export async function keepLoginMessage(
  settings: Settings,
  way: Way,
  seen?: Seen,
  path = LOGIN_MESSAGE
): Promise<void> {
  if (seen && !seen.operations.some(isStuck) && seen.unreadable.length === 0) return rm(path, { force: true })
  const evidence = await gather(settings, way)
  const { operations, unreadable } = seen ?? {
    operations: evidence.unfinished === null ? [] : [evidence.unfinished],
    unreadable: evidence.unreadable
  }
  const stuck = operations.find(isStuck)
  const plan = planRescue(evidence, settings, way)
  const script = await lstat(scriptPath(settings)).catch(() => null)
  const text = motd({
    hostName: settings.hostName || hostname(),
    stuck: stuck === undefined ? null : { id: stuck.accepted.id, reason: stuck.reason },
    unreadable,
    plan,
    lastResort: way.hints.lastResort(plan),
    script: script === null ? null : scriptPath(settings)
  })
  if (text === null) return rm(path, { force: true })
  if (text === (await readFile(path, 'utf8').catch(() => null))) return
  const made = await mkdir(dirname(path), { recursive: true, mode: 0o755 })
  // Whatever the umask is: everybody who logs in is to read it.
  if (made !== undefined) await chmod(dirname(path), 0o755)
  await durableWrite(path, text, 0o644)
  await chmod(path, 0o644)
}

const isStuck = ({ phase, accepted }: OperationState) => phase === 'stuck' && isOfSystem(accepted)
