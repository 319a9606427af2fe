import type { FastifyRequest } from 'fastify'
import { BelayError } from '../../shared/errors.ts'
import type { Caller } from './caller.ts'

/** Callers that are remembered; of more than that the one that asked longest ago is forgotten, and begins anew. */
const MAX_CALLERS = 10_000

/** How many requests a caller may send. */
export interface Rate {
  readonly perSecond: number
  /** So many at once, after a while without any. */
  readonly burst: number
}

interface Bucket {
  readonly left: number
  readonly at: number
}

/**
 * Limits the requests of callers on other machines: of each certificate and token by its name, and by address of those who
 * come with neither. One bucket each, so that nobody spends what is another's. Sockets of this machine are not counted,
 * nor what stops a rollout.
 */
export class RequestRate {
  readonly #rate: Rate
  readonly #now: () => number
  readonly #buckets = new Map<string, Bucket>()
  readonly #refused = new WeakSet<FastifyRequest>()

  constructor(rate: Rate, now: () => number) {
    this.#rate = rate
    this.#now = now
  }

  /** Counts a request of a caller that was let in. Throws `too-many-requests`. */
  admit(request: FastifyRequest, caller: Caller): void {
    if (caller.transport !== 'tls' || request.routeOptions.config.unlimited === true) return
    this.#count(request, caller.name)
  }

  /**
   * Counts a request that is refused anyway, whatever it asks for: of the caller, or of the address where nobody is known. Who
   * has good papers is not kept out by others at its address.
   */
  refuse(request: FastifyRequest, caller: Caller | undefined): void {
    const { remoteAddress } = request.raw.socket
    // None is a socket of this machine.
    if (remoteAddress !== undefined) this.#count(request, caller?.name ?? `address ${remoteAddress}`)
  }

  /** Whether it was refused here. */
  refused(request: FastifyRequest): boolean {
    return this.#refused.has(request)
  }

  #count(request: FastifyRequest, of: string): void {
    const { perSecond, burst } = this.#rate
    const now = this.#now()
    const { left, at } = this.#buckets.get(of) ?? { left: burst, at: now }
    // A clock that was set back gives nothing.
    const filled = Math.min(burst, left + (Math.max(0, now - at) / 1000) * perSecond)
    this.#buckets.delete(of)
    this.#buckets.set(of, { left: filled >= 1 ? filled - 1 : filled, at: now })
    const [oldest] = this.#buckets.keys()
    if (this.#buckets.size > MAX_CALLERS && oldest !== undefined) this.#buckets.delete(oldest)
    if (filled >= 1) return
    this.#refused.add(request)
    throw new BelayError('too-many-requests', `${of} asks too often`, {
      found: of,
      wanted: `${perSecond} requests a second, ${burst} at once`
    })
  }
}
