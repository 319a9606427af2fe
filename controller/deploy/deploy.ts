import pLimit from 'p-limit'
import type { ActivationMode } from '../../shared/api/schemas.ts'
import { codeOf, describeError } from '../../shared/errors.ts'
import type { Built } from '../build/build.ts'
import type { Job, Target } from '../inventory/targets.ts'
import { targetsOf } from '../inventory/targets.ts'
import type { DeployPorts } from './context.ts'
import type { HostResult } from './events.ts'
import { deployHost } from './host.ts'

/** A deployment that was asked for. */
export interface DeployRequest {
  readonly jobs: readonly Job[]
  /** Store paths that are not to be built, by host or home. */
  readonly paths: ReadonlyMap<string, string>
  readonly maxParallel: number
  /** Overrides the windows of the fleet file. */
  readonly windowSeconds: number | null
  /** How long the operation of a host is followed at most. */
  readonly waitSeconds: number
  readonly reason: string | null
  /** How the candidates come to run; null leaves it to the agents. */
  readonly mode: ActivationMode | null
  /** Reboots into what is staged at once. */
  readonly reboot: boolean
  /** Also a generation that a host has marked bad. */
  readonly again: boolean
  /** Also over what somebody else has put there. */
  readonly overDrift: boolean
  /** Also where no window of the host is open. */
  readonly outsideWindow: boolean
  /** Revision of which the approvals are, where hosts want one. */
  readonly revision?: number
}

/** Builds one system or home. Throws `build-failed`. */
export type Build = (target: Target) => Promise<Built>

/** Builds of several hosts at the same time; Nix limits what they do. */
const PARALLEL_BUILDS = 4

/** Builds everything, then deploys to every host. Nothing is sent anywhere while anything does not build. */
export async function deploy(
  request: DeployRequest,
  ports: DeployPorts & { readonly build: Build }
): Promise<HostResult[]> {
  const built = await buildAll(request, ports)
  if (ports.signal.aborted || [...built.values()].some(({ storePath }) => storePath === null)) {
    return request.jobs.map((job) => notStarted(job, built, ports))
  }
  const pathOf = ({ name }: Target) => built.get(name)?.storePath ?? ''
  const limit = pLimit(request.maxParallel)
  return await limit.map(request.jobs, ({ target, homes }) =>
    deployHost(
      {
        ...{ host: target.host, name: target.name, storePath: pathOf(target) },
        ...(target.profile === 'system' ? {} : { profile: target.profile }),
        homes: homes.map((home) => ({ user: home.user, storePath: pathOf(home) })),
        windowSeconds: request.windowSeconds ?? target.host.windowSeconds,
        waitSeconds: request.waitSeconds,
        reason: request.reason,
        mode: request.mode,
        reboot: request.reboot,
        again: request.again,
        overDrift: request.overDrift,
        outsideWindow: request.outsideWindow,
        ...(request.revision === undefined ? {} : { revision: request.revision })
      },
      ports
    )
  )
}

interface BuiltTarget {
  readonly storePath: string | null
  readonly error: unknown
}

async function buildAll(
  request: DeployRequest,
  ports: DeployPorts & { readonly build: Build }
): Promise<ReadonlyMap<string, BuiltTarget>> {
  const limit = pLimit(Math.min(PARALLEL_BUILDS, request.maxParallel))
  const built = await limit.map(request.jobs.flatMap(ofJob), async ([job, target]) => {
    const tell = (step: 'building' | 'waiting', message: string) =>
      ports.emit({ type: 'step', at: time(ports), host: job, step, message })
    return [target.name, await buildOne(target, request, ports, tell)] as const
  })
  return new Map(built)
}

/** What is built for a home that moves with the system is told of the system. */
const ofJob = (job: Job) => targetsOf([job]).map((target) => [job.target.name, target] as const)

async function buildOne(
  target: Target,
  { paths }: DeployRequest,
  { signal, build }: DeployPorts & { readonly build: Build },
  tell: (step: 'building' | 'waiting', message: string) => void
): Promise<BuiltTarget> {
  const known = paths.get(target.name)
  if (known !== undefined) return { storePath: known, error: null }
  if (signal.aborted) return { storePath: null, error: null }
  tell('building', target.installable)
  try {
    const { storePath } = await build(target)
    tell('waiting', `built ${storePath}`)
    return { storePath, error: null }
  } catch (error) {
    return { storePath: null, error }
  }
}

function notStarted(job: Job, built: ReadonlyMap<string, BuiltTarget>, ports: DeployPorts): HostResult {
  const of = targetsOf([job]).map(({ name }) => built.get(name))
  const error = of.find((each) => (each?.error ?? null) !== null)?.error ?? null
  const failed = error !== null && !ports.signal.aborted
  const why = ports.signal.aborted
    ? 'interrupted before anything changed'
    : 'not sent: the system of another host does not build'
  const result: HostResult = {
    host: job.target.name,
    outcome: 'not-started',
    reason: failed ? describeError(error) : why,
    code: failed ? codeOf(error) : null,
    storePath: of[0]?.storePath ?? null,
    operation: null,
    seconds: 0
  }
  ports.emit({ type: 'result', at: time(ports), result })
  return result
}

function time(ports: DeployPorts): string {
  return new Date(ports.clock.now()).toISOString()
}
