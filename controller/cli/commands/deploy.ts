import type { ActivationMode } from '../../../shared/api/schemas.ts'
import { BelayError } from '../../../shared/errors.ts'
import { buildHost } from '../../build/build.ts'
import { pushPath } from '../../build/push.ts'
import { checklistGate } from '../../checklist/gate.ts'
import { deploy as carryOut } from '../../deploy/deploy.ts'
import type { DeployEvent, HostResult } from '../../deploy/events.ts'
import { selectHosts } from '../../inventory/fleet.ts'
import { loadInventory } from '../../inventory/sources.ts'
import type { HomeChoice } from '../../inventory/targets.ts'
import { jobsOf, targetsOf } from '../../inventory/targets.ts'
import { leakGate } from '../../leaks/gate.ts'
import { uploader } from '../../secrets/upload.ts'
import { checkPaths } from '../paths.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'

/** Options of `belay deploy`. */
export interface DeployOptions extends GlobalOptions, HomeChoice {
  readonly host?: readonly string[]
  readonly maxParallel: number
  readonly window?: number
  readonly wait: number
  readonly reason?: string
  readonly mode?: ActivationMode
  readonly reboot?: true
  readonly again?: true
  readonly overDrift?: true
  readonly outsideWindow?: true
  readonly revision?: number
  readonly build: boolean
  readonly push: boolean
  readonly path?: ReadonlyMap<string, string>
}

/** Gets the names of the hosts before the first event; gives what takes the events. */
export type Watch = (hosts: readonly string[]) => (event: DeployEvent) => void

/** Deploys to the selected hosts: their systems with the homes that go along, or the homes that are named. */
export async function deploy(options: DeployOptions, wiring: Wiring, watch: Watch): Promise<HostResult[]> {
  if (options.outsideWindow && options.reason === undefined) {
    throw new BelayError('invalid-request', '--outside-window needs --reason: the hosts write it down', {
      wanted: '--reason'
    })
  }
  const { fleet, flake, secrets, vars, policy, caches } = await loadInventory(options.fleet, wiring)
  const jobs = jobsOf(selectHosts(fleet, options.host ?? []), options)
  const paths = checkPaths(targetsOf(jobs), options)
  const emit = watch(jobs.map(({ target }) => target.name))
  const { run, signal, clock, openTunnel, newKey } = wiring
  const leaks = leakGate(wiring.scan, secrets, signal)
  const onLine = (host: string, line: string) =>
    emit({ type: 'output', at: new Date(clock.now()).toISOString(), host, line })
  const known = fleet.hosts.map(({ name }) => name)
  const upload = uploader(vars, { flake, known }, { run, signal, onLine })
  const checklist = checklistGate(fleet.hosts, policy, { run, signal, caches, openTunnel, now: clock.now })
  const request = {
    jobs,
    paths,
    maxParallel: options.maxParallel,
    windowSeconds: options.window ?? null,
    waitSeconds: options.wait,
    reason: options.reason ?? null,
    mode: options.mode ?? null,
    reboot: options.reboot ?? false,
    again: options.again ?? false,
    overDrift: options.overDrift ?? false,
    outsideWindow: options.outsideWindow ?? false,
    ...(options.revision === undefined ? {} : { revision: options.revision })
  }
  return await carryOut(request, {
    openTunnel,
    clock,
    signal,
    emit,
    newKey,
    build: (target) => buildHost(target, { run, signal, now: clock.now, onLine }),
    push: async (host, storePath) => {
      if (options.push) await pushPath(host, storePath, { run, signal, onLine, leaks })
    },
    prepare: async (host, storePath) => {
      await checklist(host, storePath)
      await upload(host)
    }
  })
}
