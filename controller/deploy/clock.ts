import { setTimeout } from 'node:timers/promises'

/** Time and chance, so that tests need neither. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Rejects when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** From 0 up to 1. */
  random(): number
}

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) => setTimeout(ms, undefined, { signal }),
  random: () => Math.random()
}

/** First and longest wait between two attempts, in milliseconds. */
const FIRST = 250
const LONGEST = 5000

/** Waits before another attempt: doubling, capped, between half and all of it so that hosts spread out. */
export function backOffMs(attempt: number, random: number): number {
  const full = Math.min(LONGEST, FIRST * 2 ** Math.min(attempt, 16))
  return Math.round(full * (0.5 + random / 2))
}
