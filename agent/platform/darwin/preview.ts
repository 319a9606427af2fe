import { readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { MacChanges, NameChange, NotCovered, Plan } from '../../../shared/api/plan.ts'
import { planHash } from '../../../shared/api/plan.ts'
import { BelayError } from '../../../shared/errors.ts'
import { parseStorePath } from '../../../shared/store-path.ts'
import { closureTotals, packageChanges } from '../../preview/closure.ts'
import { notCovered } from '../../preview/not-covered.ts'
import { secretChanges } from '../../preview/secrets.ts'
import { closureContents } from '../nix/closure-contents.ts'
import { readClosures } from '../nix/closure-info.ts'
import { etcChanges } from '../nix/etc-files.ts'
import { declaredSecrets } from '../nix/secrets-manifest.ts'
import type { PreviewOptions } from '../platform.ts'
import { assertCandidate } from './candidate.ts'
import type { Effects } from './irreversible.ts'
import { effectsOf } from './irreversible.ts'
import { jobChanges, readJobs } from './job-changes.ts'

/** What an activation of `storePath` would change here. All of it is read: nix-darwin has no dry run. */
export async function preview(
  storePath: string,
  options: PreviewOptions,
  { hostName, from }: { readonly hostName: string; readonly from: string }
): Promise<Plan> {
  const to = parseStorePath(storePath)
  await assertCandidate(to, { hostName, running: from })
  if (options.dryActivate) {
    const text = 'nix-darwin has no dry activation: even `darwin-rebuild check` activates'
    throw new BelayError('invalid-request', text, { found: 'dryActivate', wanted: 'a preview without it' })
  }
  const [[before, after], oldJobs, newJobs, files, oldEffects, newEffects, applications] = await Promise.all([
    readClosures(from, to),
    readJobs(from),
    readJobs(to),
    etcChanges(from, to, options.files === true),
    effectsOf(from),
    effectsOf(to),
    applicationChanges(from, to)
  ])
  const [oldSecrets, newSecrets] = await Promise.all([declaredSecrets(before), declaredSecrets(after)])
  const macos: MacChanges = { applications, defaults: defaultsChanges(oldEffects, newEffects) }
  const differences = {
    packages: packageChanges(before, after),
    services: jobChanges(oldJobs, newJobs),
    files,
    reboot: { required: false, recommended: false, causes: [] },
    secrets: secretChanges(oldSecrets, newSecrets)
  }
  const plan: Omit<Plan, 'hash'> = {
    host: hostName,
    profile: 'system',
    from,
    to,
    at: new Date().toISOString(),
    closure: closureTotals(before, after),
    ...differences,
    notCovered: [...notCovered(differences), ...macNotCovered(newEffects, macos)],
    dryActivation: null,
    contents: await closureContents(after.keys()),
    macos
  }
  return { hash: planHash(plan), ...plan }
}

/** By where the bundle of that name leads to in the store. */
async function applicationChanges(from: string, to: string): Promise<NameChange[]> {
  const read = async (system: string) => {
    const folder = join(system, 'Applications')
    const names = await readdir(folder).catch(() => [])
    const found = names.map(
      async (name) => [name, await realpath(join(folder, name)).catch(() => '')] as const
    )
    return new Map(await Promise.all(found))
  }
  const [old, now] = await Promise.all([read(from), read(to)])
  const names = [...new Set([...old.keys(), ...now.keys()])].sort()
  return names.flatMap((name) => {
    if (old.get(name) === now.get(name)) return []
    return [{ name, change: !old.has(name) ? 'added' : !now.has(name) ? 'removed' : 'changed' } as const]
  })
}

/** Settings that only one of the two scripts writes, or that both write differently. */
export function defaultsChanges(old: Effects, now: Effects): NameChange[] {
  const names = [...new Set([...old.defaults.keys(), ...now.defaults.keys()])].sort()
  return names.flatMap((name) => {
    const [was, is] = [old.defaults.get(name), now.defaults.get(name)]
    if (was === is) return []
    return [{ name, change: was === undefined ? 'added' : is === undefined ? 'removed' : 'changed' } as const]
  })
}

/** What a rollback of this plan would not bring back on a Mac. */
export function macNotCovered(effects: Effects, { defaults }: MacChanges): NotCovered[] {
  const found: NotCovered[] = []
  if (effects.homebrew) {
    const removes = effects.homebrewRemoves ? ', upgrades or removes' : ' or upgrades'
    const text = `Homebrew: what it installs${removes} stays so. It needs the network, and a failure of it breaks the activation off.`
    found.push({ code: 'homebrew', text })
  }
  if (defaults.some(({ change }) => change === 'added')) {
    const names = defaults.filter(({ change }) => change === 'added').map(({ name }) => name)
    const text = `Settings (defaults): the old generation does not take back what it never set: ${names.slice(0, 5).join(', ')}.`
    found.push({ code: 'defaults', text })
  }
  if (effects.machine.length > 0) {
    const text = `The machine itself: what ${effects.machine.join(', ')} set stays where the old generation does not set it.`
    found.push({ code: 'machine', text })
  }
  return found
}
