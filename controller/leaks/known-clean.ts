import { appendFile, mkdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { RULES_VERSION } from './rules.ts'

/** Store paths in which the rules of this version found nothing. Their contents never change. */
export interface KnownClean {
  read(): Promise<ReadonlySet<string>>
  add(paths: readonly string[]): Promise<void>
}

/** Remembers nothing. */
export const forgetful: KnownClean = { read: async () => new Set(), add: async () => {} }

/**
 * Remembers in a file of one path a line. It may be deleted at any time; half a line is the name of nothing. Where it
 * cannot be written all is scanned again.
 */
export function knownCleanFile(file: string): KnownClean {
  return {
    read: async () => new Set((await readFile(file, 'utf8').catch(() => '')).split('\n')),
    add: async (paths) => {
      if (paths.length === 0) return
      await mkdir(dirname(file), { recursive: true }).catch(() => {})
      await appendFile(file, `\n${paths.join('\n')}\n`, { mode: 0o600 }).catch(() => {})
    }
  }
}

/** Where it is, for these rules. */
export function knownCleanPath(env: Readonly<Record<string, string | undefined>>): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'belay', `scanned-${RULES_VERSION}`)
}
