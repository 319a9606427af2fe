import type { Plan } from '../../../shared/api/plan.ts'
import { planHash } from '../../../shared/api/plan.ts'
import { homeOf } from '../../../shared/api/profile.ts'
import { BelayError } from '../../../shared/errors.ts'
import { parseStorePath } from '../../../shared/store-path.ts'
import { closureTotals, packageChanges } from '../../preview/closure.ts'
import { notCovered } from '../../preview/not-covered.ts'
import { userServiceChanges } from '../../preview/user-services.ts'
import { closureContents } from '../nix/closure-contents.ts'
import { readClosures } from '../nix/closure-info.ts'
import { etcChanges } from '../nix/etc-files.ts'
import { STORE } from '../nix/store-file.ts'
import { readUnitFiles } from '../nixos/unit-files.ts'
import type { PreviewOptions } from '../platform.ts'
import { assertHome } from './candidate.ts'
import type { HomeSeen } from './seen.ts'

/** Where home-manager has the units of a user. */
const UNITS = 'home-files/.config/systemd/user'
const noReboot = { required: false, recommended: false, causes: [] }

/** What an activation of `storePath` would change in a home. It reads in the store alone, and changes nothing. */
export async function previewHome(
  storePath: string,
  options: PreviewOptions,
  of: { readonly hostName: string; readonly user: string; readonly seen: HomeSeen }
): Promise<Plan> {
  const { hostName, user, seen } = of
  const to = parseStorePath(storePath)
  await assertHome(to, user)
  const from = seen.running
  if (from === null) throw new BelayError('path-not-valid', noHome(user), { wanted: 'a home that runs' })
  if (options.dryActivate) {
    const text = 'a home has no dry activation: its script would be run for nothing but its own word'
    throw new BelayError('invalid-request', text, { found: true, wanted: false, at: 'dryActivate' })
  }
  const [[before, after], files, old, now] = await Promise.all([
    readClosures(from, to),
    etcChanges(from, to, options.files === true, STORE, 'home-files'),
    readUnitFiles(from, UNITS),
    readUnitFiles(to, UNITS)
  ])
  const running = seen.manager ? new Set(seen.runningUnits) : null
  const differences = {
    packages: packageChanges(before, after),
    services: userServiceChanges(old, now, running),
    files,
    reboot: noReboot,
    secrets: []
  }
  const plan: Omit<Plan, 'hash'> = {
    host: hostName,
    profile: homeOf(user),
    from,
    to,
    at: new Date().toISOString(),
    closure: closureTotals(before, after),
    ...differences,
    notCovered: notCovered(differences),
    dryActivation: null,
    contents: await closureContents(after.keys())
  }
  return { hash: planHash(plan), ...plan }
}

/** Why there is nothing to compare with, and nothing to come back to. */
export const noHome = (user: string) =>
  `no home of home-manager is active for ${user}; activate the first one by hand, with home-manager itself`
