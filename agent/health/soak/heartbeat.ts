import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Live } from './soak-clock.ts'

/** The last sign of life, so that one knows afterwards since when a host was away. */
export interface Heartbeat extends Live {
  readonly soak: string
}

/** Bytes of the file: always as many, so that writing it anew moves no block. */
const BYTES = 512

const path = (stateDirectory: string) => join(stateDirectory, 'heartbeat')

/**
 * Written in place and not synced, since it comes once a minute for years: the kernel brings it to the disk when it
 * does so anyway. Lost or torn it costs the last minutes; what counts stands in the ledger.
 */
export async function beat(stateDirectory: string, heartbeat: Heartbeat): Promise<void> {
  const text = JSON.stringify(heartbeat).padEnd(BYTES - 1)
  const file = await open(path(stateDirectory), 'r+').catch(() => open(path(stateDirectory), 'w', 0o640))
  try {
    await file.write(`${text}\n`, 0)
  } finally {
    await file.close()
  }
}

/** The last heartbeat of a soak; null where there is none that can be believed. */
export async function lastBeat(stateDirectory: string, soak: string): Promise<Live | null> {
  try {
    const found = JSON.parse(await readFile(path(stateDirectory), 'utf8')) as Heartbeat
    const numbers = [...Object.values(found.count), found.sign.monotonicMs, found.sign.bootMs]
    const good = numbers.length === 7 && numbers.every((value) => Number.isFinite(value) && value >= 0)
    const { at, bootId } = found.sign
    if (!good || found.soak !== soak || typeof bootId !== 'string' || !Number.isFinite(Date.parse(at)))
      return null
    return { sign: found.sign, count: found.count }
  } catch {
    return null
  }
}

/** The later of two moments of one soak: the on-time only grows. */
export const laterOf = (a: Live, b: Live | null): Live => (b !== null && b.count.onMs >= a.count.onMs ? b : a)
