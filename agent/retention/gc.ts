import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Retained } from '../../shared/api/retention.ts'
import { mustRun } from '../../shared/command.ts'
import { BelayError, codeOf } from '../../shared/errors.ts'
import type { Settings } from '../config/settings.ts'
import { deleteGenerations } from '../platform/nix/profile.ts'
import { activation } from '../platform/nixos/activation.ts'
import { readBootEntries, stale } from '../platform/nixos/boot-entries.ts'
import { whoSwitches } from '../platform/nixos/switching.ts'
import { checkEntries } from './check-entries.ts'
import type { Gathered } from './evidence.ts'
import { gather, isSwitchable, otherProfiles } from './evidence.ts'
import type { CollectedHome } from './homes.ts'
import { collectHomes } from './homes.ts'
import { planRetention } from './plan.ts'

/** In the journal of the activation unit, in place of an operation's identity. */
const NAME = 'gc'

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
export async function planned(settings: Settings, nowMs: number): Promise<Collected> {
  const generations = planRetention(await gather(settings), { ...settings.retention, nowMs })
  const homes = await collectHomes(settings, nowMs, true)
  return { dryRun: true, generations, deleted: [], boot: 'unchanged', homes }
}

/**
 * Deletes the links of the generations that nothing speaks for, then has the boot entries written again and looks at
 * them. Refuses while somebody else works on profile or boot entries. The homes follow. Collects no garbage: that is Nix's.
 */
export async function collect(settings: Settings, nowMs: number): Promise<Collected> {
  const system = await collectSystem(settings, nowMs)
  return { ...system, homes: await collectHomes(settings, nowMs, false) }
}

async function collectSystem(settings: Settings, nowMs: number): Promise<Omit<Collected, 'homes'>> {
  const evidence = await gather(settings)
  await assertQuiet(evidence)
  const generations = planRetention(evidence, { ...settings.retention, nowMs })
  const deleted = generations.filter(({ keep }) => !keep).map(({ number }) => number)
  const entries = await readBootEntries(settings.bootDirectory)
  // Where an earlier retention ended in between.
  const left = stale(entries ?? [], evidence.generations, await otherProfiles(settings.profile))
  if (deleted.length === 0 && left.length === 0)
    return { dryRun: false, generations, deleted, boot: 'unchanged' }
  const system = await bootable(evidence)
  await deleteGenerations(settings.profile, deleted)
  await writeEntries(settings, system)
  await checkEntries(settings, { evidence, before: entries, deleted })
  return { dryRun: false, generations, deleted, boot: entries === null ? 'unreadable' : 'checked' }
}

async function assertQuiet({ open }: Gathered): Promise<void> {
  const [operation] = open
  const found = operation?.accepted.id ?? (await whoSwitches())
  if (found === null) return
  const text = operation
    ? `operation ${found} is ${operation.phase}; nothing is deleted meanwhile`
    : `somebody else is switching this host (${found}); nothing is deleted meanwhile`
  throw new BelayError('operation-running', text, { found, wanted: 'a host on which nothing is under way' })
}

/** The system that the profile names, which is to write the entries. Writing them makes it the one that boots. */
async function bootable({ seen }: Gathered): Promise<string> {
  const { storePath, bootDefault } = seen
  if (storePath === null || !(await isSwitchable(storePath))) {
    const text = `the profile names ${storePath}, which cannot write boot entries`
    throw new BelayError('path-not-valid', text, { found: storePath, wanted: 'a system in the store' })
  }
  if (bootDefault !== null && bootDefault !== storePath) {
    const text = 'the next boot is not what the profile names; writing the boot entries would change it'
    throw new BelayError('drifted', text, { found: bootDefault, wanted: storePath })
  }
  return storePath
}

/** In the unit of every switch: while it runs nobody else can begin one, and while another runs this does not begin. */
async function writeEntries(settings: Settings, system: string): Promise<void> {
  const directory = join(settings.stateDirectory, NAME)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const { activationSeconds: limitSeconds } = settings.limits
  const { start, finish } = activation({ id: NAME, directory, limitSeconds })
  await start(system, 'boot').catch((cause: unknown) => {
    const text = 'generations are deleted, but the boot entries are not written: run this again'
    throw new BelayError(codeOf(cause), text, { cause })
  })
  const outcome = await finish(async () => false)
  if (outcome?.code !== 'exited' || outcome.status !== '0') {
    const found = outcome === null ? 'no outcome' : `${outcome.result} ${outcome.code} ${outcome.status}`
    const text = `generations are deleted, but writing the boot entries ended with ${found}: see journalctl, run this again`
    throw new BelayError('command-failed', text, { found, wanted: 'exited 0' })
  }
  await mustRun(['sync', '-f', settings.bootDirectory], { timeoutMs: 60_000 })
}
