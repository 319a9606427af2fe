import { pushPath } from '../build/push.ts'
import type { Run } from '../build/run.ts'
import { lookForEvidence } from '../checklist/gate.ts'
import type { Clock } from '../deploy/clock.ts'
import type { DeployEvent } from '../deploy/events.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import { holdsOf } from '../inventory/holds.ts'
import type { Caches } from '../inventory/pipeline-schema.ts'
import type { LeakGate } from '../leaks/gate.ts'
import { accessTo } from '../monitor/access.ts'
import { alertsOf } from '../monitor/alerts.ts'
import type { Upload } from '../secrets/upload.ts'
import type { Store } from '../store/store.ts'
import type { OpenTunnel } from '../transport/tunnel.ts'
import { realAgents } from './agents.ts'
import type { Engine } from './engine.ts'
import { createEngine } from './engine.ts'
import { gateRunner } from './gates.ts'
import { verdictSource } from './verdicts.ts'

/** What the engine of a rollout over the real hosts is made of. */
export interface EngineParts {
  readonly store: Store
  readonly hosts: ReadonlyMap<string, FleetHost>
  readonly fleetFile: string
  readonly run: Run
  /** What must let a closure through before it is copied. */
  readonly leaks: LeakGate
  /** Where closures should be, as the fleet file has it now. */
  readonly caches: () => Caches
  /** Opens a new connection each time: a confirmation over an old one proves nothing. */
  readonly openTunnel: OpenTunnel
  /** For looks; it may lend a connection that is open already. */
  readonly lookThrough?: OpenTunnel
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Copy closures to the hosts. */
  readonly push: boolean
  /** Uploads the secrets of a host before it is activated. */
  readonly upload: Upload
  readonly pollMs: number
  readonly maxObserve: number
  /** Who drives, for the records. */
  readonly who: string
  readonly emit: (event: DeployEvent) => void
  readonly outside?: () => ReadonlySet<string>
}

/** An engine for a rollout of the store, over the real hosts. */
export function rolloutEngine(id: string, parts: EngineParts): Engine {
  const { store, hosts, fleetFile, run, openTunnel, clock, signal, emit, outside } = parts
  const lookThrough = parts.lookThrough ?? openTunnel
  const back = store.plan(id).rollbackOf !== undefined
  const at = () => new Date(clock.now()).toISOString()
  const ports = {
    verdictOn: verdictSource({
      plan: store.plan(id),
      fleetFile,
      openTunnel: lookThrough,
      now: clock.now,
      note: (host, message) => emit({ type: 'note', at: at(), host, message })
    }),
    hosts,
    openTunnel,
    clock,
    emit,
    push: async (host: FleetHost, storePath: string) => {
      const onLine = (name: string, line: string) => emit({ type: 'output', at: at(), host: name, line })
      // What a host goes back to is there, or nowhere.
      if (parts.push && !back) await pushPath(host, storePath, { run, signal, onLine, leaks: parts.leaks })
    },
    // On the way back the old secrets are wanted, and the host has them.
    ...(back ? {} : { prepare: parts.upload })
  }
  const { observe } = realAgents({ ...ports, openTunnel: lookThrough })
  return createEngine(id, {
    store,
    agents: { ...realAgents(ports), observe },
    lookAtGate: gateRunner(run),
    lookAtAlerts: alertsOf(accessTo(fleetFile)),
    lookAtChecklist: async ({ name, storePath, require }, signal) => {
      const host = hosts.get(name)
      if (host === undefined || require === undefined) return { open: false, message: 'no such host' }
      const looking = { run, signal, now: clock.now, caches: parts.caches(), openTunnel: lookThrough }
      return await lookForEvidence(host, storePath, require, looking)
    },
    holds: holdsOf(fleetFile),
    clock,
    signal,
    who: parts.who,
    pollMs: parts.pollMs,
    maxObserve: parts.maxObserve,
    ...(outside === undefined ? {} : { outside })
  })
}
