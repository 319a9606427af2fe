import type { Settings } from '../config/settings.ts'
import type { Observed } from '../operation/drift.ts'
import type { Gathered } from './evidence.ts'

/** All that a platform brings to a retention. */
export interface Shelf {
  observe(settings: Settings): Promise<Observed>
  /** Who switches this host at this moment, by hand or otherwise; null for nobody. */
  whoSwitches(): Promise<string | null>
  /** What boots, before anything is deleted; null where a boot takes what the profile names. */
  bootEntries(settings: Settings, evidence: Gathered): Promise<BootEntriesBefore | null>
}

/** The boot entries of a host before a retention. */
export interface BootEntriesBefore {
  /** Entries of generations that are gone are left from an earlier retention. */
  readonly stale: boolean
  /** Throws where they could not be written, before anything is deleted. */
  assertWritable(): Promise<void>
  /** Writes them for what is left, and looks at them. `unreadable`: with this boot loader nobody can. */
  rewrite(deleted: readonly number[]): Promise<'checked' | 'unreadable'>
}
