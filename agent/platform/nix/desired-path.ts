import { codeOf } from '../../../shared/errors.ts'
import { parseStorePath } from '../../../shared/store-path.ts'
import type { Settings } from '../../config/settings.ts'
import type { Host } from '../platform.ts'
import { addRoot, assertComplete, removeRoot } from './profile.ts'
import { substitute } from './substitute.ts'

/** The path of the desired state: fetched, and held by a root of its own. */
export function desiredPath({
  gcRootsDirectory,
  preflight
}: Settings): Pick<Host, 'fetch' | 'keep' | 'release'> {
  return {
    fetch: (storePath) => substitute(parseStorePath(storePath), { bytes: preflight.storeBytes }),
    // The root first: what is found complete then stays.
    keep: async (storePath) => {
      await addRoot(gcRootsDirectory, 'desired', parseStorePath(storePath))
      return assertComplete(storePath).then(
        () => true,
        (error: unknown) => {
          if (codeOf(error) === 'path-not-valid') return false
          throw error
        }
      )
    },
    release: () => removeRoot(gcRootsDirectory, 'desired')
  }
}
