import type { Observed } from '../../operation/drift.ts'
import { marksAfter, readMarks, writeMarks } from '../../operation/marks.ts'
import type { OperationState } from '../../operation/state.ts'
import { addRoot, removeRoot } from './profile.ts'

/** Roots of the systems that the next rollbacks would go to. */
const ROOTED = ['last-known-good', 'known-good-before']

/** Keeps what an operation that has ended says of its generations, and roots where the next two rollbacks would go. */
export async function keepMarks(
  state: OperationState,
  settings: { readonly stateDirectory: string; readonly gcRootsDirectory: string },
  { running, storePath, number }: Observed
): Promise<void> {
  const { stateDirectory, gcRootsDirectory } = settings
  // An unreadable list is not worth keeping an operation from ending.
  const before = await readMarks(stateDirectory).catch(() => [])
  const named = storePath === state.accepted.target.storePath ? number : null
  const marks = marksAfter(before, { state, running, number: named })
  await writeMarks(stateDirectory, marks)
  const next = marks.filter((mark) => mark.state === 'good' && mark.storePath !== running)
  for (const [i, name] of ROOTED.entries()) {
    const generation = next[i]
    if (generation) await addRoot(gcRootsDirectory, name, generation.storePath)
    else await removeRoot(gcRootsDirectory, name)
  }
}
