import pLimit from 'p-limit'
import type { ActivationMode } from '../../shared/api/schemas.ts'
import { codeOf, describeError } from '../../shared/errors.ts'
import type { Built } from '../build/build.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import type { DeployPorts } from './context.ts'
import type { HostResult } from './events.ts'
import { deployHost } from './host.ts'

/** A deployment that was asked for. */
export interface DeployRequest {
  readonly hosts: readonly FleetHost[]
  /** Store paths that are not to be built, by host. */
  readonly paths: ReadonlyMap<string, string>
  readonly maxParallel: number
  /** Overrides the windows of the fleet file. */
  readonly windowSeconds: number | null
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
}

/** Builds one host's system. Throws `build-failed`. */
export type Build = (host: FleetHost) => Promise<Built>

/** Builds of several hosts at the same time; Nix limits what they do. */
const PARALLEL_BUILDS = 4

/** Builds everything, then deploys to every host. Nothing is sent anywhere while one system does not build. */
export async function deploy(
  request: DeployRequest,
  ports: DeployPorts & { readonly build: Build }
): Promise<HostResult[]> {
  const built = await buildAll(request, ports)
  if (ports.signal.aborted || built.some((host) => host.storePath === null)) {
    return built.map((host) => notStarted(host, ports))
  }
  const limit = pLimit(request.maxParallel)
  return await limit.map(built, ({ host, storePath }) =>
    deployHost(
      {
        host,
        storePath: storePath ?? '',
        windowSeconds: request.windowSeconds ?? host.windowSeconds,
        reason: request.reason,
        mode: request.mode,
        reboot: request.reboot,
        again: request.again,
        overDrift: request.overDrift,
        outsideWindow: request.outsideWindow
      },
      ports
    )
  )
}

interface BuiltHost {
  readonly host: FleetHost
  readonly storePath: string | null
  readonly error: unknown
}

async function buildAll(
  request: DeployRequest,
  ports: DeployPorts & { readonly build: Build }
): Promise<BuiltHost[]> {
  const limit = pLimit(Math.min(PARALLEL_BUILDS, request.maxParallel))
  const tell = (host: FleetHost, step: 'building' | 'waiting', message: string) =>
    ports.emit({ type: 'step', at: time(ports), host: host.name, step, message })
  return await limit.map(request.hosts, async (host) => {
    const known = request.paths.get(host.name)
    if (known !== undefined) return { host, storePath: known, error: null }
    if (ports.signal.aborted) return { host, storePath: null, error: null }
    tell(host, 'building', host.installable)
    try {
      const { storePath } = await ports.build(host)
      tell(host, 'waiting', `built ${storePath}`)
      return { host, storePath, error: null }
    } catch (error) {
      return { host, storePath: null, error }
    }
  })
}

function notStarted({ host, storePath, error }: BuiltHost, ports: DeployPorts): HostResult {
  const failed = error !== null && !ports.signal.aborted
  const why = ports.signal.aborted
    ? 'interrupted before anything changed'
    : 'not sent: the system of another host does not build'
  const result: HostResult = {
    host: host.name,
    outcome: 'not-started',
    reason: failed ? describeError(error) : why,
    code: failed ? codeOf(error) : null,
    storePath,
    operation: null,
    seconds: 0
  }
  ports.emit({ type: 'result', at: time(ports), result })
  return result
}

function time(ports: DeployPorts): string {
  return new Date(ports.clock.now()).toISOString()
}
