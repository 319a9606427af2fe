import { BelayError } from '../../../shared/errors.ts'
import type { Settings } from '../../config/settings.ts'
import type { Gathered } from '../../retention/evidence.ts'
import { readCandidates } from '../../retention/evidence.ts'
import type { BootEntry } from './boot-entries.ts'
import { readBootEntries, stale, withoutEntry } from './boot-entries.ts'
import { readBootDefault } from './boot-loader/boot-loader.ts'
import { isSwitchable, otherProfiles } from './other-profiles.ts'

/** The host before a retention, and what it was to delete. */
interface Before {
  readonly evidence: Gathered
  readonly before: readonly BootEntry[] | null
  readonly deleted: readonly number[]
}

/**
 * Throws unless every generation that stays is there and has its entry, none is left of the others, and what boots next
 * is what it was. Where entries cannot be read, the links alone are looked at.
 */
export async function checkEntries(settings: Settings, { evidence, before, deleted }: Before): Promise<void> {
  const [after, bootDefault, generations, others] = await Promise.all([
    readBootEntries(settings.bootDirectory),
    readBootDefault(settings.bootDirectory),
    readCandidates(settings.profile),
    otherProfiles(settings.profile)
  ])
  const kept = evidence.generations.filter(({ number }) => !deleted.includes(number))
  const numbers = generations.map(({ number }) => number)
  const gone = kept.map(({ number }) => number).filter((number) => !numbers.includes(number))
  if (gone.length > 0) throw broken('generations that were to stay are gone', gone)
  if (bootDefault !== evidence.seen.bootDefault) throw broken('another system boots next', bootDefault)
  if (before === null) return
  if (after === null) throw broken('there are no boot entries', after)
  // A builder writes none for a system that is not in the store any more.
  const there = await Promise.all(kept.map(({ storePath }) => isSwitchable(storePath)))
  const whole = kept.filter((_, i) => there[i])
  const missing = withoutEntry(whole, before, after)
  if (missing.length > 0) throw broken('generations have no boot entry', missing)
  const dropped = evidence.generations.filter(({ number }) => deleted.includes(number))
  const ofDropped = after.filter((entry) => stale([entry], dropped, []).length === 0)
  const left = stale(ofDropped, generations, others).map(({ storePath }) => storePath)
  if (left.length > 0) throw broken('boot entries of deleted generations are left', left)
}

const broken = (what: string, found: unknown) =>
  new BelayError('command-failed', `after the boot entries were written, ${what}: ${JSON.stringify(found)}`, {
    found
  })
