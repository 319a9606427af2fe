import { join } from 'node:path'
import type { ProfileName } from '../shared/api/profile.ts'
import type { TerminalPhase } from '../shared/operation/phase.ts'
import { hostClock } from './clock.ts'
import type { Settings } from './config/settings.ts'
import { openJournal } from './journal/journal.ts'
import type { Event } from './operation/events.ts'
import { operationsRoot } from './operation/operations.ts'
import { profileHost } from './operation/profiles.ts'
import { runOperation } from './operation/runner.ts'
import { foldOperation } from './operation/state.ts'
import { operationDirectory } from './operation/store.ts'
import type { parked } from './operation/trial.ts'
import { choosePlatform } from './platform/choose.ts'

/** Carries out one operation in this process. Nobody but the runner's unit calls it, which keeps a second one out. */
export async function runOne(id: string, settings: Settings): Promise<TerminalPhase | typeof parked> {
  const platform = await choosePlatform()
  const clock = hostClock(await platform.bootId())
  const directory = operationDirectory(operationsRoot(settings), id)
  const warn = async (text: string) =>
    (await import('../shared/server/log.ts')).createLogger(settings.logLevel).warn({ operation: id }, text)
  const journal = await openJournal<Event>(join(directory, 'journal.jsonl'), clock.now)
  try {
    const { bootId } = clock
    // Not sooner than it is asked for: the way back does not hang on what the configuration names.
    const preview = async (storePath: string, profile?: ProfileName) =>
      profileHost(
        platform.host(settings, null),
        profile ?? foldOperation(journal.records).accepted.profile
      ).preview(storePath, {})
    return await runOperation(
      await platform.ports({ id, directory, settings, journal, bootId, preview, warn })
    )
  } finally {
    await journal.close()
  }
}
