import { timingSafeEqual } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { GenerationRef } from '../../shared/api/schemas.ts'
import { durableWrite } from '../../shared/durable-write.ts'
import type { Phase } from '../../shared/operation/phase.ts'
import { monotonicMs } from '../clock.ts'
import { noticeChanges } from '../journal/notice.ts'
import { ignoreMissing } from '../platform/nix/generations.ts'
import type { Answer } from './ports.ts'

/**
 * What is said to a running operation: a file per word in its directory, written by whoever has admitted it, read
 * and judged again by the runner. It reaches the runner with the daemon dead, and a runner that starts later.
 */
export type Control =
  | { readonly word: 'confirm'; readonly principal: string; readonly nonce: string }
  | { readonly word: 'cancel'; readonly principal: string; readonly reason: string | null }
  /** A staged generation may be booted now. */
  | { readonly word: 'reboot'; readonly principal: string }
  /** Tries a rollback again at once, to another generation where one is named. */
  | { readonly word: 'retry'; readonly principal: string; readonly target: GenerationRef | null }

/** Phases from which a cancellation still leads to the baseline. */
export const cancellable: ReadonlySet<Phase> = new Set([
  'accepted',
  'fetching',
  'checking',
  'arming',
  'staging',
  'staged',
  'activating',
  'verifying',
  'confirming'
])

/** Makes a word durable. */
export async function say(directory: string, control: Control): Promise<void> {
  await durableWrite(join(directory, `${control.word}.json`), `${JSON.stringify(control)}\n`)
}

/** The word, or null where it was not said, or cannot be read. */
export async function heard<W extends Control['word']>(
  directory: string,
  word: W
): Promise<Extract<Control, { word: W }> | null> {
  const text = await readFile(join(directory, `${word}.json`), 'utf8').catch(ignoreMissing(null))
  try {
    return text === null ? null : (JSON.parse(text) as Extract<Control, { word: W }>)
  } catch {
    return null
  }
}

/** True when both are the same nonce; takes the same time whatever differs. */
export function sameNonce(found: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(found), Buffer.from(wanted)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** Waits for a confirmation with this nonce, a cancellation, or the deadline. A wrong nonce counts for nothing. */
export async function awaitAnswer(
  directory: string,
  nonce: string,
  remainingMs: () => number
): Promise<Answer> {
  return until(directory, remainingMs, async () => {
    if (await heard(directory, 'cancel')) return 'cancelled'
    const confirm = await heard(directory, 'confirm')
    return confirm && sameNonce(confirm.nonce, nonce) ? { confirmedBy: confirm.principal } : null
  }).then((answer) => answer ?? 'deadline')
}

/** Waits before a failed rollback is tried again, up to five minutes; gives the generation that was asked for, or null. */
export async function awaitRetry(directory: string, attempt: number): Promise<GenerationRef | null> {
  const end = monotonicMs() + Math.min(300_000, 2000 * 2 ** Math.min(attempt, 10))
  const word = await until(
    directory,
    () => end - monotonicMs(),
    () => heard(directory, 'retry')
  )
  await rm(join(directory, 'retry.json'), { force: true })
  return word?.target ?? null
}

/**
 * Asks at once, at every change of the directory and every second, until there is an answer or the time is up. A
 * directory that is not there, as that of the sockets while the agent restarts, is not watched.
 */
export async function until<T>(
  directory: string,
  remainingMs: () => number,
  ask: () => Promise<T | null>
): Promise<T | null> {
  let wake = () => {}
  const unwatch = noticeChanges(directory, () => wake())
  try {
    for (;;) {
      const left = remainingMs()
      if (left <= 0) return null
      const changed = new Promise<void>((resolve) => {
        wake = resolve
      })
      const answer = await ask()
      if (answer !== null) return answer
      let timer: NodeJS.Timeout | undefined
      const tick = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, Math.min(1000, left))
      })
      await Promise.race([changed, tick])
      clearTimeout(timer)
    }
  } finally {
    unwatch()
  }
}
