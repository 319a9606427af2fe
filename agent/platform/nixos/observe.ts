import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { Observed } from '../../operation/drift.ts'
import { ignoreMissing, readProfile } from '../nix/generations.ts'
import { readBootDefault } from './boot-loader/boot-loader.ts'

/** Places on the host; another root in tests. */
export interface Places {
  readonly profile: string
  readonly run: string
  readonly boot: string
}

/** Where NixOS keeps them. */
export const nixosPlaces: Places = { profile: '/nix/var/nix/profiles/system', run: '/run', boot: '/boot' }

/**
 * What is chosen, what runs, what booted and what boots next. Any of them may differ from the others; `drift` says
 * that those which are known are not all the same. `booted` does not count: it stays behind after every switch.
 */
export async function observe(places: Places): Promise<Observed> {
  const resolve = (name: string) => realpath(join(places.run, name)).catch(ignoreMissing(null))
  const [profile, running, booted, bootDefault] = await Promise.all([
    readProfile(places.profile),
    resolve('current-system'),
    resolve('booted-system'),
    readBootDefault(places.boot)
  ])
  const known = [profile?.storePath ?? null, running, bootDefault].filter((path) => path !== null)
  return {
    profile: 'system',
    number: profile?.number ?? null,
    storePath: profile?.storePath ?? null,
    running,
    booted,
    bootDefault,
    drift: new Set(known).size > 1
  }
}
