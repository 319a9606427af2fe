import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { syncDirectory } from '../../../shared/durable-write.ts'
import { BelayError, codeOf, describeError } from '../../../shared/errors.ts'
import type { Instant } from '../../journal/journal.ts'
import { openJournal } from '../../journal/journal.ts'
import { ignoreMissing } from '../../platform/nix/generations.ts'
import { intactRecords } from '../../rescue/intact.ts'
import type { LedgerState } from './fold.ts'
import { foldLedger } from './fold.ts'
import type { LedgerEvent } from './ledger-event.ts'

/** Soaks of which the ledger is kept. */
const KEPT = 100
/** A ledger with more lines is written anew, as one that stands for all: each append reads what is there. */
const MAX_RECORDS = 500

const NAME = /^(\d{8}T\d{9}Z)\.jsonl$/

/** The ledgers of this host: one journal for each soak, named by its beginning. */
export class LedgerFiles {
  readonly #directory: string
  readonly #now: () => Instant
  readonly #records = new Map<string, number>()

  constructor(stateDirectory: string, now: () => Instant) {
    this.#directory = join(stateDirectory, 'soak')
    this.#now = now
  }

  /** Identities of all soaks, oldest first. */
  async list(): Promise<readonly string[]> {
    const names = await readdir(this.#directory).catch(ignoreMissing<string[]>([]))
    return names.flatMap((name) => NAME.exec(name)?.[1] ?? []).sort()
  }

  /**
   * What the ledger of a soak tells. One that is damaged is moved aside, and what stands in front of the damage goes on
   * in a new one, which says so. Null where nothing of it can be believed.
   */
  async read(soak: string): Promise<LedgerState | null> {
    const text = await readFile(this.#path(soak), 'utf8')
    const { records, broken } = intactRecords<LedgerEvent>(text)
    const events = records.map(({ event }) => event)
    const problem = broken?.problem ?? null
    try {
      const state = foldLedger(events)
      if (problem === null) return state
      return await this.#carry({ ...state, damage: problem }, problem)
    } catch (error) {
      if (codeOf(error) !== 'journal-corrupt') throw error
      await rename(this.#path(soak), `${this.#path(soak)}.damaged`)
      return null
    }
  }

  /** Durable when it returns. A ledger that became long is written anew from the state, where one is given. */
  async append(soak: string, event: LedgerEvent, state: LedgerState | null): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o750 })
    const journal = await openJournal<LedgerEvent>(this.#path(soak), this.#now)
    try {
      await journal.append(event)
      this.#records.set(soak, journal.records.length)
    } finally {
      await journal.close()
    }
    if (state === null || (this.#records.get(soak) ?? 0) <= MAX_RECORDS) return
    // The event stands there: what throws here would have it written once more. The next one tries again.
    await this.#carry(state, null).catch(() => {})
  }

  /** The newest soak of a store path; by default of all. */
  async find(matches: (state: LedgerState) => boolean): Promise<LedgerState | null> {
    for (const soak of [...(await this.list())].reverse()) {
      const state = await this.read(soak).catch((error: unknown) => {
        throw new BelayError('journal-corrupt', `the ledger ${soak} cannot be read: ${describeError(error)}`)
      })
      if (state !== null && matches(state)) return state
    }
    return null
  }

  /** Removes the oldest ledgers. */
  async tend(): Promise<void> {
    for (const soak of (await this.list()).slice(0, -KEPT)) await rm(this.#path(soak), { force: true })
  }

  /** One line in place of all: the file appears whole or not at all. */
  async #carry(state: LedgerState, damage: string | null): Promise<LedgerState> {
    const path = this.#path(state.begun.soak)
    const { sign, count } = state
    await rm(`${path}.new`, { force: true })
    const journal = await openJournal<LedgerEvent>(`${path}.new`, this.#now)
    await journal
      .append({ sign, count, what: { type: 'carried', state, damage } })
      .finally(() => journal.close())
    if (damage !== null) await rename(path, `${path}.damaged`)
    await rename(`${path}.new`, path)
    await syncDirectory(this.#directory)
    return state
  }

  #path(soak: string): string {
    return join(this.#directory, `${soak}.jsonl`)
  }
}

/** Identity of a soak that begins at a time, and sorts behind the newest. */
export function soakIdentity(at: string, newest: string | undefined): string {
  const compact = (ms: number) => new Date(ms).toISOString().replace(/[-:.]/g, '')
  const wanted = compact(Date.parse(at))
  if (!newest || wanted > newest) return wanted
  const [, y, mo, d, h, mi, s, ms] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z$/.exec(newest) ?? []
  return compact(Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}.${ms}Z`) + 1)
}
