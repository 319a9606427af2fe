import { isTerminal } from '../../shared/operation/phase.ts'
import type { OperationState } from '../operation/state.ts'

/** What ended so long before the first look is old; the agent may have been away at the end of what is younger. */
const OLD_MS = 3_600_000

/** An operation, or a part of one, by a name of its own. */
interface Named {
  readonly key: string
  readonly state: Pick<OperationState, 'phase' | 'updatedAt'>
}

/**
 * Tells of all those that have ended once. What is old at the first look is not told: the oldest journals go, so counting
 * all that are left gives fewer than the agent before had, and Prometheus takes a counter that falls for as many new ones.
 */
export function onceEnded(nowMs = () => Date.now()): <T extends Named>(all: readonly T[]) => readonly T[] {
  let told: ReadonlySet<string> | null = null
  return (all) => {
    const ended = all.filter(({ state }) => isTerminal(state.phase))
    const before = told ?? namesOfOld(ended, nowMs())
    // One whose journal could not be read for a while is not told twice.
    told = new Set([...before, ...ended.map(({ key }) => key)])
    return ended.filter(({ key }) => !before.has(key))
  }
}

const namesOfOld = (ended: readonly Named[], nowMs: number): ReadonlySet<string> =>
  new Set(ended.filter(({ state }) => nowMs - Date.parse(state.updatedAt) > OLD_MS).map(({ key }) => key))
