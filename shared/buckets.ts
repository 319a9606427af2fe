/** How much somebody may do. */
export interface Rate {
  readonly perSecond: number
  /** So much at once, after a while without any. */
  readonly burst: number
}

interface Bucket {
  readonly left: number
  readonly at: number
}

/** Names that are remembered; of more than that the one that came longest ago is forgotten, and begins anew. */
const MAX_NAMES = 10_000

/** One bucket for each name, so that nobody spends what is another's. */
export class Buckets {
  readonly rate: Rate
  readonly #now: () => number
  readonly #buckets = new Map<string, Bucket>()

  constructor(rate: Rate, now: () => number) {
    this.rate = rate
    this.#now = now
  }

  /** Takes one. Gives 0, or the milliseconds until there is one: then nothing was taken. */
  take(name: string): number {
    const { perSecond, burst } = this.rate
    const now = this.#now()
    const { left, at } = this.#buckets.get(name) ?? { left: burst, at: now }
    // A clock that was set back gives nothing.
    const filled = Math.min(burst, left + (Math.max(0, now - at) / 1000) * perSecond)
    this.#buckets.delete(name)
    this.#buckets.set(name, { left: filled >= 1 ? filled - 1 : filled, at: now })
    const [oldest] = this.#buckets.keys()
    if (this.#buckets.size > MAX_NAMES && oldest !== undefined) this.#buckets.delete(oldest)
    return filled >= 1 ? 0 : Math.ceil(((1 - filled) / perSecond) * 1000)
  }
}
