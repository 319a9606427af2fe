import { mustRun } from '../../../shared/command.ts'
import { durableWrite } from '../../../shared/durable-write.ts'
import type { Shelf } from '../../retention/shelf.ts'
import { ACTIVATION_LABEL, GC_LABEL, gcJob } from './jobs.ts'
import { bootout, bootstrap, isRunning } from './launchctl.ts'
import { observe } from './observe.ts'
import { writePlist } from './plist.ts'
import { activationsIn } from './preflight.ts'
import { tools } from './tools.ts'

/** Not in the folder that a boot loads. */
const PLIST = '/private/var/run/belay-gc.plist'

/** A retention of macOS: there are no boot entries that would have to follow. */
export const darwinShelf: Shelf = {
  observe: ({ profile }) => observe(profile),
  whoSwitches: async () => {
    if (await isRunning(ACTIVATION_LABEL)) return ACTIVATION_LABEL
    const { stdout } = await mustRun([tools.ps, '-axo', 'pid=,command='], { timeoutMs: 10_000 })
    return activationsIn(stdout)[0] ?? null
  },
  bootEntries: async () => null
}

/** Starts it in a job of its own. Throws `operation-running` while another one runs. */
export async function startRetention(config: string | null): Promise<void> {
  // One that has ended is still loaded.
  if (!(await isRunning(GC_LABEL))) await bootout(GC_LABEL)
  await durableWrite(PLIST, writePlist(gcJob(config)), 0o644)
  await bootstrap(GC_LABEL, PLIST)
}
