import type { FastifyRequest } from 'fastify'
import type { Rate } from '../../shared/buckets.ts'
import { Buckets } from '../../shared/buckets.ts'
import { BelayError } from '../../shared/errors.ts'
import type { Caller } from './caller.ts'

/**
 * Limits the requests of callers on other machines: of each certificate and token by its name, and by address of those who
 * come with neither. One bucket each, so that nobody spends what is another's. Sockets of this machine are not counted,
 * nor what stops a rollout.
 */
export class RequestRate {
  readonly #buckets: Buckets
  readonly #refused = new WeakSet<FastifyRequest>()

  constructor(rate: Rate, now: () => number) {
    this.#buckets = new Buckets(rate, now)
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
    if (this.#buckets.take(of) === 0) return
    const { perSecond, burst } = this.#buckets.rate
    this.#refused.add(request)
    throw new BelayError('too-many-requests', `${of} asks too often`, {
      found: of,
      wanted: `${perSecond} requests a second, ${burst} at once`
    })
  }
}
