import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { homeOf } from '../../../shared/api/profile.ts'
import { durableWrite } from '../../../shared/durable-write.ts'
import { BelayError, describeError } from '../../../shared/errors.ts'
import { hostClock } from '../../clock.ts'
import type { Baseline } from '../../operation/events.ts'
import { operationsRoot } from '../../operation/operations.ts'
import { baselineOfHome } from '../../operation/parts.ts'
import type { Ports } from '../../operation/ports.ts'
import { foldOperation } from '../../operation/state.ts'
import { admit, requestHash } from '../../operation/store.ts'
import { ignoreMissing } from '../nix/generations.ts'
import type { PortsOptions } from '../platform.ts'
import type { HomePart } from './part.ts'
import { isSuccess } from './part.ts'

/** Milliseconds for which the way back of the homes keeps that of the system waiting; the guard's script has the same. */
export const HOMES_BACK_MS = 60_000

/**
 * The effects of one operation on a system and homes. On the way in the system comes first, on the way back the homes. All
 * are proved, confirmed and committed in the one journal; whatever fails anywhere brings all of them back.
 */
export function withHomes(system: Ports, parts: readonly HomePart[], options: PortsOptions): Ports {
  return {
    ...system,
    activationSeconds: parts.reduce((sum, { limitSeconds }) => sum + limitSeconds, system.activationSeconds),
    fetch: async (storePath) => {
      await system.fetch(storePath)
      for (const part of parts) await part.fetch()
    },
    check: async (accepted) => {
      for (const part of parts) await part.ready(accepted)
      const baseline = await system.check(accepted)
      const homes: Record<string, Baseline> = {}
      for (const part of parts) homes[part.user] = await part.check(accepted)
      return { ...baseline, homes }
    },
    arm: async (baseline, seconds, serial) => {
      await writeWayBack(parts, baseline, options.directory)
      await system.arm(baseline, seconds, serial)
    },
    activationOutcome: async () => {
      const outcome = await system.activationOutcome()
      // 4 is a failed unit somewhere, which is looked at when all is there.
      if (outcome?.code !== 'exited' || !['0', '4'].includes(outcome.status)) return outcome
      for (const part of parts) {
        if (await system.cancelRequested()) return outcome
        const ofHome = await part.activate()
        if (!isSuccess(ofHome)) return ofHome
      }
      return outcome
    },
    untouched: async (outcome) => ((await anyBegun(parts)) ? null : system.untouched(outcome)),
    regression: async (baseline, storePath, outcome) => {
      for (const part of parts) throwFailed(part, await part.failure())
      const worse = await system.regression(baseline, storePath, outcome)
      if (worse !== null) return worse
      for (const part of parts) throwFailed(part, await part.worse(ofHome(baseline, part)))
      return null
    },
    commit: async (storePath) => {
      await system.commit(storePath)
      for (const part of parts)
        await part.commit().catch((error: unknown) => throwFailed(part, describeError(error)))
    },
    restore: async (target, profile, activate) => {
      const { baseline } = foldOperation(system.journal.records)
      const back = restoreHomes(parts, baseline)
      const bound = new AbortController()
      await Promise.race([
        back.catch(() => {}),
        delay(HOMES_BACK_MS, undefined, { signal: bound.signal })
      ]).finally(() => bound.abort())
      await system.restore(target, profile, activate)
      await back
    },
    settle: async () => {
      for (const part of parts)
        await handOver(part, options).catch((error: unknown) =>
          options.warn(
            `the home of ${part.user} did not come back, and nobody brings it: ${describeError(error)}`
          )
        )
      await system.settle()
      // Last, and at the same time: a home that does not answer takes its time, and the next operation may break it off.
      await Promise.all(
        parts.map((part) =>
          part.settle().catch((error: unknown) => options.warn(`left undone: ${describeError(error)}`))
        )
      )
    }
  }
}

async function anyBegun(parts: readonly HomePart[]): Promise<boolean> {
  return (await Promise.all(parts.map((part) => part.isBegun()))).includes(true)
}

/** `home-failed`, which says nothing about the system that it came with. */
function throwFailed({ user }: HomePart, why: string | null): void {
  if (why === null) return
  throw new BelayError('home-failed', `the home of ${user}: ${why}`, { found: user })
}

function ofHome(baseline: Baseline, { user }: HomePart): Baseline {
  const found = baselineOfHome(baseline, user)
  if (found === undefined) throw new Error(`the journal names no baseline of the home of ${user}`)
  return found
}

/** Written once, before anything changes: a home that cannot be looked at later does not keep the guard away. */
async function writeWayBack(
  parts: readonly HomePart[],
  baseline: Baseline,
  directory: string
): Promise<void> {
  const file = join(directory, 'homes.sh')
  if ((await lstat(file).catch(ignoreMissing(null))) !== null) return
  const lines = ['#!/bin/sh']
  // At the same time: none keeps another waiting.
  for (const part of parts) lines.push('(', ...(await part.wayBack(ofHome(baseline, part))), ') &')
  await durableWrite(file, `${[...lines, 'wait'].join('\n')}\n`, 0o700)
}

/** All at the same time. One that does not come back is written down, and keeps neither the system nor another. */
async function restoreHomes(parts: readonly HomePart[], baseline: Baseline | null): Promise<void> {
  if (baseline === null) return
  const restored = parts.map(async (part) => {
    const why = await part.restore(ofHome(baseline, part)).then(
      () => null,
      (error: unknown) => describeError(error)
    )
    await part.leave(why)
  })
  // All have ended before a failure to write one down is told.
  for (const result of await Promise.allSettled(restored))
    if (result.status === 'rejected') throw result.reason
}

/** A home that did not come back gets a rollback of its own, which is tried until it goes: the system waits for no user. */
async function handOver(
  part: HomePart,
  { id, settings, journal, bootId, warn }: PortsOptions
): Promise<void> {
  const why = await part.left()
  const { baseline, phase } = foldOperation(journal.records)
  if (why === null || baseline === null || phase !== 'rolled-back') return
  const { generation, profile } = ofHome(baseline, part)
  const target = generation.storePath === profile.storePath ? profile : generation
  await admit(
    operationsRoot(settings),
    {
      kind: 'rollback',
      profile: homeOf(part.user),
      target,
      confirm: { by: 'health', windowSeconds: settings.confirm.windowSeconds },
      principal: `operation ${id}`,
      reason: `it did not come back with the system: ${why}`.slice(0, 500),
      idempotency: { key: `operation/${id}/${homeOf(part.user)}`, request: requestHash({ id, target }) }
    },
    hostClock(bootId).now
  )
  await warn(
    `the home of ${part.user} did not come back with the system; an operation of its own goes on with it`
  )
}
