import pLimit from 'p-limit'
import type { CheckState, Sample } from '../../shared/api/checks.ts'
import { BelayError } from '../../shared/errors.ts'
import type { CheckSetting } from '../config/checks.ts'
import type { Measures } from './begin.ts'
import { beginCheck, opensWhatIsNamed, waitsForOthers } from './begin.ts'
import { rhythmOf } from './cron.ts'
import type { Gives, Measure, World } from './kinds/kind.ts'
import { unknown } from './kinds/kind.ts'
import { kinds } from './kinds/kinds.ts'
import type { CheckClock, Run } from './run-check.ts'
import { runCheck } from './run-check.ts'
import type { CheckDefinition } from './sample.ts'
import type { Standing } from './state.ts'
import { fold } from './state.ts'
import type { Kept } from './store.ts'
import type { RunOf } from './world.ts'

/** So many run at a time: checks must not starve the host, nor the agent. As many more wait for others. */
const AT_ONCE = 2
/** With so many hanging none more is begun that may: the daemon needs threads for itself. */
const MAX_HANGING = 2
/** The state is written at most so often, in milliseconds. */
const WRITE_MS = 60_000
/** What counts as watched between two samples where no schedule says it, in milliseconds. */
const WATCHED_MS = 600_000

/** When the checks are due; the scheduler knows. */
export interface Plan {
  /** Milliseconds since the epoch. */
  nextRunAt(name: string): number | null
  intervalMs(name: string): number | null
}

/** Takes every sample, such as the history. What it throws is told and changes nothing. */
export interface SampleSink {
  record(sample: Sample): void
}

/** What the checks need. */
export interface ChecksOptions {
  readonly settings: readonly CheckSetting[]
  readonly clock: CheckClock
  readonly world: (run: RunOf) => World
  readonly kept: Kept
  /** Keeps the state durably. */
  readonly write: (kept: Kept) => Promise<void>
  readonly warn: (error: unknown, text: string) => void
  /** Of the platform. */
  readonly measures?: Measures
  /** Another one in tests. */
  readonly after?: Run['after']
}

interface Check {
  readonly setting: CheckSetting
  readonly gives: Gives
  readonly measure: Measure
}

/** The checks of this host: runs them, folds what they find, and keeps where they stand. */
export class Checks {
  plan: Plan = { nextRunAt: () => null, intervalMs: () => null }
  readonly sinks: SampleSink[] = []
  readonly #options: ChecksOptions
  readonly #checks: ReadonlyMap<string, Check>
  readonly #standings: Map<string, Standing>
  readonly #memories: Map<string, unknown>
  readonly #running = new Map<string, Promise<CheckState>>()
  /** Those of which a run is over its time and yet not gone. */
  readonly #hanging = new Set<string>()
  readonly #limit = pLimit(AT_ONCE)
  readonly #limitOfWaiting = pLimit(AT_ONCE)
  #dirty = false
  #writtenAt = Number.NEGATIVE_INFINITY
  #writing: NodeJS.Timeout | null = null
  /** Writes come one after the other: two at once would take each other's file away. */
  #written: Promise<void> = Promise.resolve()
  #closed = false
  #goingDown = false

  constructor(options: ChecksOptions) {
    this.#options = options
    this.#checks = new Map(
      options.settings.map((setting) => {
        const gives = kinds[setting.kind].gives(setting.options)
        const check = { setting, gives, measure: beginCheck(setting, options.measures) }
        return [setting.name, check] as const
      })
    )
    const mine = (kept: Readonly<Record<string, unknown>>) =>
      Object.entries(kept).filter(([name]) => this.#checks.has(name))
    this.#standings = new Map(mine(options.kept.standings) as [string, Standing][])
    this.#memories = new Map(mine(options.kept.memories))
  }

  get settings(): readonly CheckSetting[] {
    return this.#options.settings
  }

  /** Every check, in the order of the configuration. */
  states(): readonly CheckState[] {
    return [...this.#checks.values()].map((check) => this.#stateOf(check))
  }

  /** When a check ran last, in milliseconds since the epoch. */
  ranAt(name: string): number | null {
    return this.#standings.get(name)?.last.at ?? null
  }

  /** What has to be known to keep and to judge the samples, with what the schedules ask for. */
  definitions(): readonly CheckDefinition[] {
    return [...this.#checks.values()].map(({ setting: { name, severity, forSeconds, schedule }, gives }) => ({
      ...{ name, severity, forSeconds },
      ...gives,
      ...rhythmOf(schedule)
    }))
  }

  /** Checks of which the last that is known is that they fail. */
  failed(): readonly string[] {
    return [...this.#standings].flatMap(([name, { known }]) => (known === 'fail' ? [name] : []))
  }

  /** Runs a check now; one that runs already is joined. Throws `check-unknown`. */
  async run(name: string): Promise<CheckState> {
    const check = this.#checks.get(name)
    if (!check) {
      const wanted = [...this.#checks.keys()]
      throw new BelayError('check-unknown', `no check ${name}`, { found: name, wanted, at: 'name' })
    }
    const running = this.#running.get(name)
    if (running) return running
    const limit = waitsForOthers(check.setting) ? this.#limitOfWaiting : this.#limit
    const started = limit(() => this.#runOne(check)).finally(() => this.#running.delete(name))
    this.#running.set(name, started)
    return started
  }

  /** Keeps what is not kept yet. `goingDown`: the host shuts down because somebody told it to. */
  async close(goingDown: boolean): Promise<void> {
    this.#closed = true
    if (this.#writing) clearTimeout(this.#writing)
    if (goingDown) {
      for (const { setting } of this.#checks.values()) {
        this.#remember(setting.name, kinds[setting.kind].goingDown(this.#memories.get(setting.name)))
      }
      this.#goingDown = true
    }
    await this.#written
    if (this.#dirty) await this.#write()
  }

  async #runOne(check: Check): Promise<CheckState> {
    const { name } = check.setting
    this.#record(check, await this.#sample(check))
    const state = this.#stateOf(check)
    for (const sink of this.sinks) {
      try {
        const last = this.#standings.get(name)?.last
        if (last) sink.record(last)
      } catch (error) {
        this.#options.warn(error, `the sample of check ${name} was not recorded`)
      }
    }
    return state
  }

  async #sample({ setting, measure }: Check): Promise<Sample> {
    const { clock, after, world } = this.#options
    const { name, timeoutSeconds } = setting
    // Not one more thread for what already hangs, such as a dead network file system.
    const hangs = this.#hanging.has(name)
    const others = this.#hanging.size >= MAX_HANGING && opensWhatIsNamed(setting)
    const why = hangs ? 'the run before still hangs' : `${this.#hanging.size} other checks hang`
    const { sample, settled } = await runCheck({
      name,
      timeoutMs: timeoutSeconds * 1000,
      measure: hangs || others ? async () => unknown(why) : measure,
      clock,
      ...(after ? { after } : {}),
      world: (signal) =>
        world({
          name,
          timeoutSeconds,
          signal,
          recall: () => this.#memories.get(name),
          remember: (memory) => this.#remember(name, memory)
        })
    })
    if (!hangs) {
      let gone = false
      void settled.then(() => {
        gone = true
        this.#hanging.delete(name)
      })
      // What has ended in time has settled by now.
      await Promise.race([settled, Promise.resolve()])
      if (!gone) this.#hanging.add(name)
    }
    return sample
  }

  #record({ setting }: Check, sample: Sample): void {
    const { name, forSeconds, jitterSeconds } = setting
    const before = this.#standings.get(name) ?? null
    const interval = this.plan.intervalMs(name)
    const maxStepMs = interval === null ? WATCHED_MS : 2 * interval + jitterSeconds * 1000
    const now = fold(before, sample, { forMs: forSeconds * 1000, maxStepMs })
    this.#standings.set(name, now)
    const same = before?.since === now.since && before.failing === now.failing && now.failedMs === null
    if (!same) this.#soon()
  }

  #remember(name: string, memory: unknown): void {
    // What still runs when the host goes down does not take back that it went down in order.
    if (this.#goingDown || JSON.stringify(this.#memories.get(name)) === JSON.stringify(memory)) return
    this.#memories.set(name, memory)
    this.#soon()
  }

  /** Has the state written, at once or when the last time is long enough ago. */
  #soon(): void {
    this.#dirty = true
    if (this.#writing || this.#closed) return
    const wait = this.#writtenAt + WRITE_MS - this.#options.clock.monotonicMs()
    this.#writing = setTimeout(() => void this.#write(), Math.max(wait, 0))
    this.#writing.unref()
  }

  #write(): Promise<void> {
    this.#writing = null
    this.#written = this.#written.then(() => this.#writeOnce())
    return this.#written
  }

  async #writeOnce(): Promise<void> {
    this.#dirty = false
    this.#writtenAt = this.#options.clock.monotonicMs()
    const kept = {
      standings: Object.fromEntries(this.#standings),
      memories: Object.fromEntries(this.#memories)
    }
    await this.#options.write(kept).catch((error: unknown) => {
      this.#dirty = true
      this.#options.warn(error, 'the state of the checks could not be kept')
    })
  }

  #stateOf({ setting, gives }: Check): CheckState {
    const { name, kind, severity, votes } = setting
    const standing = this.#standings.get(name)
    const last = standing?.last
    const time = (ms: number | null | undefined) =>
      typeof ms === 'number' ? new Date(ms).toISOString() : null
    return {
      name,
      kind,
      severity,
      votes,
      result: last?.result ?? null,
      value: last?.value ?? null,
      unit: gives.unit,
      measures: gives.measures,
      message: last?.message ?? 'has not run yet',
      durationSeconds: last ? last.durationMs / 1000 : null,
      ranAt: time(last?.at),
      since: time(standing?.since),
      nextRunAt: time(this.plan.nextRunAt(name)),
      failing: standing?.failing ?? false,
      flapping: standing?.flapping ?? false
    }
  }
}
