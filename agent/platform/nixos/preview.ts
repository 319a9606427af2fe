import type { Plan, ServiceChange } from '../../../shared/api/plan.ts'
import { planHash } from '../../../shared/api/plan.ts'
import { BelayError } from '../../../shared/errors.ts'
import { parseStorePath } from '../../../shared/store-path.ts'
import { closureTotals, packageChanges } from '../../preview/closure.ts'
import { notCovered } from '../../preview/not-covered.ts'
import { secretChanges } from '../../preview/secrets.ts'
import { serviceChanges } from '../../preview/services.ts'
import { closureContents } from '../nix/closure-contents.ts'
import { readClosures } from '../nix/closure-info.ts'
import { etcChanges } from '../nix/etc-files.ts'
import { declaredSecrets } from '../nix/secrets-manifest.ts'
import type { PreviewOptions } from '../platform.ts'
import { assertCandidate } from './candidate.ts'
import { dryActivate } from './dry-activate.ts'
import type { Places } from './observe.ts'
import { observe } from './observe.ts'
import { rebootNeed } from './reboot-need.ts'
import { readLoaded, readUnitFiles } from './unit-files.ts'

/** This host, and where it keeps what is observed. */
export interface PreviewOf {
  readonly hostName: string
  readonly places: Places
}

/** What an activation of `storePath` would change here. It reads, and changes nothing. */
export async function preview(storePath: string, options: PreviewOptions, of: PreviewOf): Promise<Plan> {
  const to = parseStorePath(storePath)
  const { running: from, booted } = await observe(of.places)
  if (from === null)
    throw new BelayError('path-not-valid', 'no system runs here: /run/current-system is missing')
  await assertCandidate(to, { hostName: of.hostName, running: from })
  const [[before, after], services, files, reboot] = await Promise.all([
    readClosures(from, to),
    servicesOf(from, to),
    etcChanges(from, to, options.files === true),
    rebootNeed(from, to, booted)
  ])
  const [oldSecrets, newSecrets] = await Promise.all([declaredSecrets(before), declaredSecrets(after)])
  const differences = {
    packages: packageChanges(before, after),
    services,
    files,
    reboot,
    secrets: secretChanges(oldSecrets, newSecrets)
  }
  const plan: Omit<Plan, 'hash'> = {
    host: of.hostName,
    profile: 'system',
    from,
    to,
    at: new Date().toISOString(),
    closure: closureTotals(before, after),
    ...differences,
    notCovered: notCovered(differences),
    dryActivation: options.dryActivate ? await dryActivate(to) : null,
    contents: await closureContents(after.keys())
  }
  return { hash: planHash(plan), ...plan }
}

async function servicesOf(from: string, to: string): Promise<ServiceChange[]> {
  const [old, now] = await Promise.all([readUnitFiles(from), readUnitFiles(to)])
  return serviceChanges(old, now, await readLoaded(old, now))
}
