import { setMaxListeners } from 'node:events'
import type { LimitFunction } from 'p-limit'
import pLimit from 'p-limit'
import { Buckets } from '../../shared/buckets.ts'
import { describeError } from '../../shared/errors.ts'
import type { Clock } from '../deploy/clock.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import { hostClient } from '../transport/host-client.ts'
import type { OpenTunnel } from '../transport/tunnel.ts'
import { backOff } from './back-off.ts'
import type { Keeper } from './keeper.ts'
import { lookAtAgent } from './look.ts'
import { eventRate, follow } from './stream.ts'

/** What the collector works with. */
export interface CollectorParts {
  readonly keeper: Keeper
  readonly openTunnel: OpenTunnel
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Milliseconds between two looks at a host. */
  readonly pollMs: number
  /** Hosts that are asked at the same time. */
  readonly parallel: number
  /** Hosts to which a connection is kept open. */
  readonly streams: number
}

interface Tended {
  readonly stop: AbortController
  readonly connection: string
  readonly ended: Promise<void>
}

/** Looks at hosts for as long as they are in the fleet: over a connection that stays open where there is room. */
export class Collector {
  readonly #parts: CollectorParts
  readonly #limit: LimitFunction
  readonly #pace: Buckets
  readonly #tended = new Map<string, Tended>()
  readonly #lent = new Map<string, string>()
  readonly #streaming = new Set<string>()
  #hosts: ReadonlyMap<string, FleetHost> = new Map()

  constructor(parts: CollectorParts) {
    this.#parts = parts
    this.#limit = pLimit(parts.parallel)
    this.#pace = new Buckets(eventRate, parts.clock.now)
    // Every host that is tended waits on it.
    setMaxListeners(0, parts.signal)
  }

  /** Begins with hosts that are new, ends with those that are gone, begins anew where the connection changed. */
  tend(hosts: ReadonlyMap<string, FleetHost>): void {
    this.#hosts = new Map(hosts)
    this.#parts.keeper.forget(hosts)
    for (const [name, { stop, connection }] of this.#tended) {
      const host = hosts.get(name)
      if (host !== undefined && connectionOf(host) === connection) continue
      stop.abort()
      this.#tended.delete(name)
    }
    for (const [name, host] of hosts) {
      if (this.#tended.has(name)) continue
      const stop = new AbortController()
      const signal = AbortSignal.any([this.#parts.signal, stop.signal])
      const ended = this.#tend(host, signal).catch(() => {})
      this.#tended.set(name, { stop, connection: connectionOf(host), ended })
    }
  }

  /** Lends the connection that is open to a host; opens one where there is none. */
  readonly lend: OpenTunnel = async (host, signal) => {
    const socketPath = this.#lent.get(host.name)
    if (socketPath === undefined) return await this.#parts.openTunnel(host, signal)
    return { socketPath, [Symbol.asyncDispose]: async () => {} }
  }

  /** Resolves when all that was tended has ended, after the signal. */
  async settle(): Promise<void> {
    await Promise.all([...this.#tended.values()].map(({ ended }) => ended))
  }

  async #tend(host: FleetHost, signal: AbortSignal): Promise<void> {
    const { clock, pollMs, streams } = this.#parts
    let failures = 0
    // Not all at once.
    await clock.sleep(clock.random() * Math.min(pollMs, 5000), signal)
    while (!signal.aborted) {
      failures = (await this.#visit(host, signal)) ? 0 : failures + 1
      const full = this.#streaming.size >= streams
      const wait = failures === 0 && full ? pollMs : backOff(failures)
      await clock.sleep(wait * (0.75 + clock.random() / 2), signal)
    }
  }

  /** One connection: for as long as it lasts where there is room, otherwise for one look. True when it answered. */
  async #visit(host: FleetHost, signal: AbortSignal): Promise<boolean> {
    const room = this.#streaming.size < this.#parts.streams
    let answered = false
    const look = async (socketPath: string) => {
      this.#parts.keeper.answered(this.#known(host), await lookAtAgent(hostClient(socketPath)), room)
      answered = true
    }
    try {
      if (room) await this.#stream(host, look, signal)
      else await this.#poll(host, look, signal)
    } catch (error) {
      // A connection that broke off says nothing yet: an activation restarts the agent. The next look tells.
      if (!signal.aborted && !answered) this.#parts.keeper.silent(this.#known(host), describeError(error))
    }
    return answered
  }

  async #poll(
    host: FleetHost,
    look: (socketPath: string) => Promise<void>,
    signal: AbortSignal
  ): Promise<void> {
    await this.#limit(async () => {
      await using tunnel = await this.#parts.openTunnel(host, signal)
      await look(tunnel.socketPath)
    })
  }

  async #stream(
    host: FleetHost,
    look: (socketPath: string) => Promise<void>,
    signal: AbortSignal
  ): Promise<void> {
    this.#streaming.add(host.name)
    try {
      await using opened = new AsyncDisposableStack()
      const tunnel = await this.#limit(async () => {
        const made = opened.use(await this.#parts.openTunnel(host, signal))
        await look(made.socketPath)
        return made
      })
      this.#lent.set(host.name, tunnel.socketPath)
      const { keeper, clock, pollMs } = this.#parts
      const again = () => look(tunnel.socketPath)
      await follow(host.name, tunnel.socketPath, {
        ...{ keeper, clock, pollMs, signal },
        pace: this.#pace,
        look: again
      })
    } finally {
      this.#lent.delete(host.name)
      this.#streaming.delete(host.name)
    }
  }

  /** The host as the fleet file has it now. */
  #known(host: FleetHost): FleetHost {
    return this.#hosts.get(host.name) ?? host
  }
}

const connectionOf = ({ ssh, socket }: FleetHost) => JSON.stringify([ssh, socket])
