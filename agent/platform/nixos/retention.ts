import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { mustRun } from '../../../shared/command.ts'
import { BelayError, codeOf } from '../../../shared/errors.ts'
import type { Settings } from '../../config/settings.ts'
import type { Gathered } from '../../retention/evidence.ts'
import type { Shelf } from '../../retention/shelf.ts'
import { activation } from './activation.ts'
import { readBootEntries, stale } from './boot-entries.ts'
import { checkEntries } from './check-entries.ts'
import { placesOf } from './nixos-ports.ts'
import { observe } from './observe.ts'
import { isSwitchable, otherProfiles } from './other-profiles.ts'
import { whoSwitches } from './switching.ts'

/** In the journal of the activation unit, in place of an operation's identity. */
const NAME = 'gc'

/** A retention of NixOS: the boot entries follow the generations. */
export const nixosShelf: Shelf = {
  observe: (settings) => observe(placesOf(settings)),
  whoSwitches,
  bootEntries: async (settings, evidence) => {
    const before = await readBootEntries(settings.bootDirectory)
    // Where an earlier retention ended in between.
    const left = stale(before ?? [], evidence.generations, await otherProfiles(settings.profile))
    return {
      stale: left.length > 0,
      assertWritable: async () => void (await bootable(evidence)),
      rewrite: async (deleted) => {
        await writeEntries(settings, await bootable(evidence))
        await checkEntries(settings, { evidence, before, deleted })
        return before === null ? 'unreadable' : 'checked'
      }
    }
  }
}

/** The system that the profile names, which is to write the entries. Writing them makes it the one that boots. */
async function bootable({ seen }: Gathered): Promise<string> {
  const { storePath, bootDefault } = seen
  if (storePath === null || !(await isSwitchable(storePath))) {
    const text = `the profile names ${storePath}, which cannot write boot entries`
    throw new BelayError('path-not-valid', text, { found: storePath, wanted: 'a system in the store' })
  }
  if (bootDefault !== null && bootDefault !== storePath) {
    const text = 'the next boot is not what the profile names; writing the boot entries would change it'
    throw new BelayError('drifted', text, { found: bootDefault, wanted: storePath })
  }
  return storePath
}

/** In the unit of every switch: while it runs nobody else can begin one, and while another runs this does not begin. */
async function writeEntries(settings: Settings, system: string): Promise<void> {
  const directory = join(settings.stateDirectory, NAME)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const { activationSeconds: limitSeconds } = settings.limits
  const { start, finish } = activation({ id: NAME, directory, limitSeconds })
  await start(system, 'boot').catch((cause: unknown) => {
    const text = 'generations are deleted, but the boot entries are not written: run this again'
    throw new BelayError(codeOf(cause), text, { cause })
  })
  const outcome = await finish(async () => false)
  if (outcome?.code !== 'exited' || outcome.status !== '0') {
    const found = outcome === null ? 'no outcome' : `${outcome.result} ${outcome.code} ${outcome.status}`
    const text = `generations are deleted, but writing the boot entries ended with ${found}: see journalctl, run this again`
    throw new BelayError('command-failed', text, { found, wanted: 'exited 0' })
  }
  await mustRun(['sync', '-f', settings.bootDirectory], { timeoutMs: 60_000 })
}
