import { realpath } from 'node:fs/promises'
import type { Observed } from '../../operation/drift.ts'
import { ignoreMissing, readProfile } from '../nix/generations.ts'

/** What runs, by the link that an activation moves last and the boot sets anew. */
export const CURRENT_SYSTEM = '/run/current-system'

/**
 * What is chosen and what runs. There is no booted system on a Mac: the boot takes what the profile names, so the
 * profile is also what boots next.
 */
export async function observe(profile: string, currentSystem = CURRENT_SYSTEM): Promise<Observed> {
  const [chosen, running] = await Promise.all([
    readProfile(profile),
    realpath(currentSystem).catch(ignoreMissing(null))
  ])
  const storePath = chosen?.storePath ?? null
  return {
    profile: 'system',
    number: chosen?.number ?? null,
    storePath,
    running,
    booted: null,
    bootDefault: storePath,
    drift: storePath !== null && running !== null && storePath !== running
  }
}
