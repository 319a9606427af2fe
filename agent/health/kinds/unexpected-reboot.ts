import { Type } from 'typebox'
import type { Finding } from './kind.ts'
import { defineKind, fail, pass } from './kind.ts'

/** Unexpected reboots remembered; more are not told apart. */
const MAX_REMEMBERED = 20

/**
 * Whether the host went down without having been told to. A boot is one identity, which sleep does not change; a
 * shutdown in order is known by the agent having been stopped while the whole system stopped.
 */
export const unexpectedRebootKind = defineKind({
  options: {
    withinSeconds: Type.Integer({
      minimum: 60,
      maximum: 2_592_000,
      description: 'How long an unexpected reboot counts',
      default: 86_400
    })
  },
  gives: { measures: null, unit: 'reboots' },
  goingDown: (memory) => {
    const boots = readBoots(memory)
    return boots === null ? memory : { ...boots, orderly: true }
  },
  begin:
    ({ withinSeconds }) =>
    async (world) => {
      const memory = nextBoots(readBoots(world.recall()), world.bootId, world.now())
      world.remember(memory)
      return judgeBoots(memory, world.now(), withinSeconds)
    }
})

/** What is kept from boot to boot. */
export interface Boots {
  readonly bootId: string
  /** Set when the agent is stopped because the host goes down in order. */
  readonly orderly: boolean
  /** When reboots were found that nobody had asked for, in milliseconds since the epoch. */
  readonly unexpected: readonly number[]
}

/** The memory, or null when there is none that can be read. */
export function readBoots(memory: unknown): Boots | null {
  const { bootId, orderly, unexpected } = (memory ?? {}) as Partial<Boots>
  if (typeof bootId !== 'string' || typeof orderly !== 'boolean' || !Array.isArray(unexpected)) return null
  return { bootId, orderly, unexpected: unexpected.filter((at) => typeof at === 'number') }
}

/** What is known once the boot is seen in which the agent runs now. The first boot ever seen was expected. */
export function nextBoots(before: Boots | null, bootId: string, now: number): Boots {
  if (before === null) return { bootId, orderly: false, unexpected: [] }
  if (before.bootId === bootId) return { ...before, orderly: false }
  const unexpected = before.orderly ? before.unexpected : [...before.unexpected, now].slice(-MAX_REMEMBERED)
  return { bootId, orderly: false, unexpected }
}

/** Fails while an unexpected reboot is younger than the limit. */
export function judgeBoots({ unexpected }: Boots, now: number, withinSeconds: number): Finding {
  const recent = unexpected.filter((at) => Math.abs(now - at) < withinSeconds * 1000)
  const last = recent.at(-1)
  if (last === undefined) return pass('no unexpected reboot', 0)
  return fail(`went down by itself; up again at ${new Date(last).toISOString()}`, recent.length)
}
