import { join } from 'node:path'
import { BelayError } from '../../../shared/errors.ts'
import { inStore, readStoreFile } from '../nix/store-file.ts'

const at = 'storePath'
/** Bytes of an `activate` that is read for whom it is. */
const MAX_ACTIVATE = 4 * 1024 * 1024

/** Refuses what is no generation of home-manager, or one of somebody else: `path-not-valid`, `not-a-home`, `wrong-user`. */
export async function assertHome(storePath: string, user: string): Promise<void> {
  if ((await inStore(storePath)) === null)
    throw new BelayError('path-not-valid', `${storePath} is not on this host`, {
      found: storePath,
      wanted: 'a path in this store',
      at
    })
  for (const file of ['activate', 'home-files', 'home-path']) {
    if ((await inStore(join(storePath, file))) !== null) continue
    const found = `${storePath} has no ${file}`
    throw new BelayError('not-a-home', `not a generation of home-manager: ${found}`, {
      found,
      wanted: 'the activationPackage of a homeConfiguration',
      at
    })
  }
  const found = userOfScript((await readStoreFile(join(storePath, 'activate'), MAX_ACTIVATE)) ?? '')
  if (found === null || found === user) return
  const text = `a home of ${found}; this one is of ${user}`
  throw new BelayError('wrong-user', text, { found, wanted: user, at })
}

/** For whom a script of home-manager is, by its own check; null where it has none that can be read. */
export function userOfScript(activate: string): string | null {
  const [, quoted, plain] =
    /^\s*(?:checkUsername|checkStringEq\s+USER)\s+(?:'([^'\n]*)'|([A-Za-z0-9_.-]+))\s*$/m.exec(activate) ?? []
  return quoted ?? plain ?? null
}

/** The command line that activates a generation: since there is a `gen-version`, its caller moves the profile. */
export async function activateCommand(storePath: string): Promise<readonly string[]> {
  const script = join(storePath, 'activate')
  const version = await readStoreFile(join(storePath, 'gen-version'), 64)
  if (version === null) return [script]
  if (version.trim() === '1') return [script, '--driver-version', '1']
  const found = version.trim().slice(0, 20)
  throw new BelayError('not-a-home', `a generation of a home-manager that is not known: ${found}`, {
    found,
    wanted: 'gen-version 1',
    at
  })
}

/** Whether a command line of {@link activateCommand} is of a generation with a version. */
export const hasVersion = ({ script }: { readonly script: readonly string[] }): boolean => script.length > 1
