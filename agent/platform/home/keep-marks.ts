import { homeOf } from '../../../shared/api/profile.ts'
import { durableFolder } from '../../../shared/durable-write.ts'
import type { Settings } from '../../config/settings.ts'
import { marksAfter, readMarks, writeMarks } from '../../operation/marks.ts'
import { profileDirectory } from '../../operation/profiles.ts'
import type { OperationState } from '../../operation/state.ts'
import { addRoot, removeRoot } from '../nix/profile.ts'
import type { HomeSeen } from './seen.ts'

/** Roots of the homes that the next rollbacks of a user would go to. */
const ROOTED = ['last-known-good', 'known-good-before'] as const
type Root = (typeof ROOTED)[number] | 'candidate' | 'baseline' | 'baseline-profile'

/** The name of a root of a user's home among those of ours. */
export const rootOf = (user: string, root: Root) => `home-${user}-${root}`

/** Keeps what an operation that has ended says of its generations, and roots where the next two rollbacks would go. */
export async function keepHomeMarks(
  state: OperationState,
  settings: Pick<Settings, 'stateDirectory' | 'gcRootsDirectory'>,
  user: string,
  { running, storePath, number }: HomeSeen
): Promise<void> {
  const directory = profileDirectory(settings.stateDirectory, homeOf(user))
  // An unreadable list is not worth keeping an operation from ending.
  const before = await readMarks(directory).catch(() => [])
  const named = storePath === state.accepted.target.storePath ? number : null
  const marks = marksAfter(before, { state, running, number: named })
  await durableFolder(directory)
  await writeMarks(directory, marks)
  const next = marks.filter((mark) => mark.state === 'good' && mark.storePath !== running)
  for (const [i, name] of ROOTED.entries()) {
    const generation = next[i]
    if (generation) await addRoot(settings.gcRootsDirectory, rootOf(user, name), generation.storePath)
    else await removeRoot(settings.gcRootsDirectory, rootOf(user, name))
  }
}
