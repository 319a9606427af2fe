import type { Retained } from '../../shared/api/retention.ts'
import { BelayError } from '../../shared/errors.ts'
import type { Settings } from '../config/settings.ts'
import { readGenerations } from '../platform/nix/generations.ts'
import { deleteGenerations } from '../platform/nix/profile.ts'
import type { Gathered } from './evidence.ts'
import { gather } from './evidence.ts'
import type { CollectedHome } from './homes.ts'
import { collectHomes } from './homes.ts'
import { planRetention } from './plan.ts'
import type { Shelf } from './shelf.ts'

/** What became of the boot entries; `unreadable` where there is another boot loader than systemd-boot. */
export type BootOutcome = 'unchanged' | 'checked' | 'unreadable'

/** What a retention did, or would do. */
export interface Collected {
  readonly dryRun: boolean
  readonly generations: readonly Retained[]
  readonly deleted: readonly number[]
  readonly boot: BootOutcome
  /** The homes that are looked after, each by itself. */
  readonly homes: readonly CollectedHome[]
}

/** What is to become of each generation of this host; changes nothing. */
export async function planned(settings: Settings, shelf: Shelf, nowMs: number): Promise<Collected> {
  const generations = planRetention(await gather(settings, shelf), { ...settings.retention, nowMs })
  const homes = await collectHomes(settings, nowMs, true)
  return { dryRun: true, generations, deleted: [], boot: 'unchanged', homes }
}

/**
 * Deletes the links of the generations that nothing speaks for, then has the boot entries written again and looks at
 * them. Refuses while somebody else works on profile or boot entries. The homes follow. Collects no garbage: that is Nix's.
 */
export async function collect(settings: Settings, shelf: Shelf, nowMs: number): Promise<Collected> {
  const system = await collectSystem(settings, shelf, nowMs)
  return { ...system, homes: await collectHomes(settings, nowMs, false) }
}

async function collectSystem(
  settings: Settings,
  shelf: Shelf,
  nowMs: number
): Promise<Omit<Collected, 'homes'>> {
  const evidence = await gather(settings, shelf)
  await assertQuiet(evidence, shelf)
  const generations = planRetention(evidence, { ...settings.retention, nowMs })
  const deleted = generations.filter(({ keep }) => !keep).map(({ number }) => number)
  const entries = await shelf.bootEntries(settings, evidence)
  if (deleted.length === 0 && entries?.stale !== true)
    return { dryRun: false, generations, deleted, boot: 'unchanged' }
  await entries?.assertWritable()
  await deleteGenerations(settings.profile, deleted)
  await assertKept(settings, generations)
  return { dryRun: false, generations, deleted, boot: (await entries?.rewrite(deleted)) ?? 'unchanged' }
}

async function assertKept(settings: Settings, generations: readonly Retained[]): Promise<void> {
  const left = new Set((await readGenerations(settings.profile)).map(({ number }) => number))
  const gone = generations.flatMap(({ number, keep }) => (keep && !left.has(number) ? [number] : []))
  if (gone.length === 0) return
  const text = `generations that were to stay are gone: ${gone.join(', ')}`
  throw new BelayError('command-failed', text, { found: gone })
}

async function assertQuiet({ open }: Gathered, { whoSwitches }: Shelf): Promise<void> {
  const [operation] = open
  const found = operation?.accepted.id ?? (await whoSwitches())
  if (found === null) return
  const text = operation
    ? `operation ${found} is ${operation.phase}; nothing is deleted meanwhile`
    : `somebody else is switching this host (${found}); nothing is deleted meanwhile`
  throw new BelayError('operation-running', text, { found, wanted: 'a host on which nothing is under way' })
}
