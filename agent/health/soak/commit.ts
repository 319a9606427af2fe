import { join } from 'node:path'
import { readJournal } from '../../journal/journal.ts'
import type { Event } from '../../operation/events.ts'
import { operationDirectory } from '../../operation/store.ts'
import type { Sign } from './soak-clock.ts'
import type { Witness } from './witness.ts'

/** When an operation ended, on the clocks of its boot, and how long its activation took. */
export interface Commit {
  readonly sign: Sign
  readonly activationSeconds: number | null
}

/** Reads it from the operation's journal; null where that is gone. */
export async function commitOf(
  root: string,
  id: string,
  now: Sign,
  journalClock: Witness['journalClock']
): Promise<Commit | null> {
  const file = join(operationDirectory(root, id), 'journal.jsonl')
  const records = await readJournal<Event>(file).catch(() => [])
  const last = records.at(-1)
  if (last === undefined) return null
  const { at, bootId, monotonicMs } = last
  const started = records.findLast(({ event }) => event.type === 'activation-started')
  const ended = records.findLast(({ event }) => event.type === 'activation-ended')
  const timed = started !== undefined && ended !== undefined && started.bootId === ended.bootId
  return {
    sign: { at, bootId, ...clocksOf(monotonicMs, now, journalClock) },
    activationSeconds: timed ? (ended.monotonicMs - started.monotonicMs) / 1000 : null
  }
}

/** The journal has one clock of the two: as if the host had not slept since, which it will soon be told if it has not. */
function clocksOf(journalMs: number, now: Sign, journalClock: Witness['journalClock']) {
  const asleep = now.bootMs - now.monotonicMs
  return journalClock === 'boot'
    ? { monotonicMs: journalMs - asleep, bootMs: journalMs }
    : { monotonicMs: journalMs, bootMs: journalMs + asleep }
}
