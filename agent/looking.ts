import { noticeChanges } from './journal/notice.ts'

/** How often is looked while something is on its way, in milliseconds. */
const BUSY_MS = 15_000
/** And while nothing is: what was done past the agent is found within a minute, and the host rests in between. */
const REST_MS = 60_000

/**
 * Looks again and again. `look` gives whether something is on its way; one that fails or does not come back keeps no
 * later one from being made. A change in the directory, and whoever stirs it, counts as being on its way.
 */
export class Looking {
  #timer: NodeJS.Timeout | undefined
  #look: (() => Promise<boolean>) | undefined
  #stirred = 0
  #unwatch = () => {}

  /** Looks now, and from then on. */
  start(directory: string, look: () => Promise<boolean>): void {
    this.#look = look
    this.#unwatch = noticeChanges(directory, () => this.stir())
    this.#act()
  }

  /** Something has begun: the next look is soon. */
  stir(): void {
    this.#stirred += 1
    this.#again(BUSY_MS)
  }

  stop(): void {
    this.#look = undefined
    this.#unwatch()
    clearTimeout(this.#timer)
  }

  #again(ms: number): void {
    clearTimeout(this.#timer)
    if (this.#look) this.#timer = setTimeout(() => this.#act(), ms)
  }

  #act(): void {
    this.#again(BUSY_MS)
    const before = this.#stirred
    void this.#look?.().then(
      (busy) => {
        if (!busy && this.#stirred === before) this.#again(REST_MS)
      },
      () => {}
    )
  }
}
