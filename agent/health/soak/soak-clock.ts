import { readFileSync } from 'node:fs'
import type { Gap } from '../../../shared/verdict/evidence.ts'
import { monotonicMs } from '../../clock.ts'

/** A sign of life: the same moment on all clocks. */
export interface Sign {
  /** RFC 3339; it may jump, so no duration is taken from it where another clock has one. */
  readonly at: string
  readonly bootId: string
  /** CLOCK_MONOTONIC: stands still while the host sleeps. */
  readonly monotonicMs: number
  /** CLOCK_BOOTTIME: goes on while the host sleeps. */
  readonly bootMs: number
}

/** What a soak has come to. All of it only grows. */
export interface Count {
  /** The host was on: what the soak clock shows. */
  readonly onMs: number
  /** Of that, the agent was not there or a critical check failed. */
  readonly unavailableMs: number
  /** Samples that the schedule asked for while the host was on. */
  readonly expected: number
  readonly received: number
  /** Samples in an hour that the schedule asks for at present. */
  readonly perHour: number
}

/** A count and when it was true. */
export interface Live {
  readonly sign: Sign
  readonly count: Count
}

export const noCount: Count = { onMs: 0, unavailableMs: 0, expected: 0, received: 0, perHour: 0 }

/** Reads the clocks. /proc/uptime is CLOCK_BOOTTIME in hundredths of a second. */
export function readSign(bootId: string, uptimeFile = '/proc/uptime'): Sign {
  const bootMs = Math.round(Number.parseFloat(readFileSync(uptimeFile, 'utf8')) * 1000)
  return { at: new Date().toISOString(), bootId, monotonicMs: monotonicMs(), bootMs }
}

/** Milliseconds of sleep between two signs of one boot. What the clocks differ by while awake is rounding. */
export function sleptMs(from: Sign, to: Sign): number {
  const slept = to.bootMs - to.monotonicMs - (from.bootMs - from.monotonicMs)
  return slept > 1000 ? slept : 0
}

function add(count: Count, onMs: number, unavailableMs: number): Count {
  return {
    ...count,
    onMs: count.onMs + onMs,
    unavailableMs: count.unavailableMs + unavailableMs,
    expected: count.expected + (onMs / 3_600_000) * count.perHour
  }
}

/** The count a little later, with the agent there all the time. Sleep is in no monotonic time, so it counts for nothing. */
export function advance({ sign, count }: Live, now: Sign, available: boolean): Live {
  const onMs = Math.max(0, now.monotonicMs - sign.monotonicMs)
  return { sign: now, count: add(count, onMs, available ? 0 : onMs) }
}

/** How an agent that starts finds the host. */
export interface Return {
  /** CLOCK_MONOTONIC at which this boot began. */
  readonly upMs: number
  /** The last that is known of the boot before, RFC 3339: the end of its journal. */
  readonly lastOnAt: string | null
}

/** Shorter gaps are counted and not listed. */
const LISTED_GAP_MS = 60_000

const plus = (at: string, ms: number) => new Date(Date.parse(at) + ms).toISOString()
const later = (a: string, b: string) => (Date.parse(a) > Date.parse(b) ? a : b)

/**
 * The count when the agent is back, and what happened meanwhile. While the host was on without the agent the soak clock
 * runs on, and the samples that are missing count as missing.
 */
export function resume(
  last: Live,
  now: Sign,
  host: Return
): { readonly live: Live; readonly gaps: readonly Gap[] } {
  return last.sign.bootId === now.bootId ? restarted(last, now) : rebooted(last, now, host)
}

function restarted({ sign, count }: Live, now: Sign) {
  const stopped = Math.max(0, now.monotonicMs - sign.monotonicMs)
  const back = plus(sign.at, stopped)
  const gaps = listed([
    { from: sign.at, to: back, ms: stopped, cause: 'agent-stopped' },
    { from: back, to: later(now.at, back), ms: sleptMs(sign, now), cause: 'asleep' }
  ])
  return { live: { sign: now, count: add(count, stopped, stopped) }, gaps }
}

function rebooted({ sign, count }: Live, now: Sign, { upMs, lastOnAt }: Return) {
  // Only the wall clock spans two boots; the journal of the boot before says how long it was on without the agent.
  const before = lastOnAt === null ? 0 : Math.max(0, Date.parse(lastOnAt) - Date.parse(sign.at))
  const after = Math.max(0, now.monotonicMs - upMs)
  const off = plus(sign.at, before)
  const up = later(plus(now.at, -after), off)
  const gaps = listed([
    { from: sign.at, to: off, ms: before, cause: 'agent-stopped' },
    { from: off, to: up, ms: Date.parse(up) - Date.parse(off), cause: 'off' },
    { from: up, to: later(now.at, up), ms: after, cause: 'agent-stopped' }
  ])
  return { live: { sign: now, count: add(count, before + after, before + after) }, gaps }
}

function listed(gaps: readonly (Gap & { readonly ms: number })[]): readonly Gap[] {
  return gaps.filter(({ ms }) => ms >= LISTED_GAP_MS).map(({ from, to, cause }) => ({ from, to, cause }))
}
