import { stat } from 'node:fs/promises'
import { ignoreMissing } from '../nix/generations.ts'
import { hasGuiSession } from './launchctl.ts'

/** Users below it are the system's own: root while nobody is logged in, and who sets a new Mac up. */
export const FIRST_PERSON = 500

/** Who sits at the screen. */
export interface ConsoleUser {
  readonly uid: number
  /** launchd has a session of theirs, in which jobs can be loaded. */
  readonly session: boolean
}

/** Whom the screen belongs to; null while nobody is logged in there. */
export async function consoleUser(device = '/dev/console'): Promise<ConsoleUser | null> {
  const uid = (await stat(device).catch(ignoreMissing(null)))?.uid ?? 0
  return uid < FIRST_PERSON ? null : { uid, session: await hasGuiSession(uid) }
}
