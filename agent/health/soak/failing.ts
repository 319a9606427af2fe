import type { Sample } from '../../../shared/api/checks.ts'
import type { CheckDefinition } from '../sample.ts'

/** Since when a check fails, and since when on the clock that jumps and sleep do not move. */
interface Since {
  readonly at: string
  readonly monotonicMs: number
}

/** Which checks fail at present, and for how long. `unknown` changes nothing: it could not tell. */
export class Failing {
  readonly #since = new Map<string, Since>()
  readonly #passed = new Set<string>()
  readonly #credited = new Map<string, number>()
  readonly #before = new Set<string>()

  /** Names checks that failed when the agent stopped, and that have not run since. */
  recall(names: readonly string[]): void {
    for (const name of names) this.#before.add(name)
  }

  /** Takes a sample in; true when it counts as one that the schedule asked for. */
  take(sample: Sample, definition: CheckDefinition | undefined, monotonicMs: number): boolean {
    const { check, result, at } = sample
    if (result !== 'unknown') this.#before.delete(check)
    if (result === 'pass' || result === 'warn') {
      this.#since.delete(check)
      this.#passed.add(check)
    } else if (result === 'fail') {
      this.#passed.delete(check)
      if (!this.#since.has(check)) this.#since.set(check, { at: new Date(at).toISOString(), monotonicMs })
    }
    return definition !== undefined && this.#credit(definition, monotonicMs)
  }

  /** A check that somebody runs by hand between its times does not make up for others that are missing. */
  #credit({ name, leastMs }: CheckDefinition, monotonicMs: number): boolean {
    const last = this.#credited.get(name)
    const enough = last === undefined || monotonicMs - last >= leastMs / 2
    if (enough) this.#credited.set(name, monotonicMs)
    return enough
  }

  /** Forgets checks that are not there any more. */
  keep(names: ReadonlySet<string>): void {
    for (const known of [this.#since, this.#credited, this.#passed, this.#before])
      for (const name of known.keys()) if (!names.has(name)) known.delete(name)
  }

  /** Checks whose last word was that they fail. */
  names(): readonly string[] {
    return [...this.#since.keys()].sort()
  }

  /** The same, those of before among them: what a baseline has to know. */
  lastNames(): readonly string[] {
    return [...new Set([...this.#since.keys(), ...this.#before])].sort()
  }

  /** Whether the last that a check could tell was that all is well. */
  passed(name: string): boolean {
    return this.#passed.has(name)
  }

  /** Since when a check fails, once it has done so for as long as its `forSeconds` demand; else null. */
  longEnough({ name, forSeconds }: CheckDefinition, monotonicMs: number): string | null {
    const since = this.#since.get(name)
    return since !== undefined && monotonicMs - since.monotonicMs >= forSeconds * 1000 ? since.at : null
  }
}
