import { lstat, readdir, readFile, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BelayError } from '../../../shared/errors.ts'
import { ignoreMissing } from '../nix/generations.ts'
import { readStoreFile } from '../nix/store-file.ts'
import { isOurs, TRIAL_UNIT } from './units.ts'

/** Bytes of a name. */
const MAX_BYTES = 1024

/** What this host is, for telling whether a closure is meant for it. */
export interface Wanted {
  readonly hostName: string
  /** The running toplevel, whose `system` names the platform. */
  readonly running: string
}

/**
 * Refuses what is not a NixOS system for this host: `path-not-valid`, `not-a-system`, `wrong-platform`,
 * `wrong-host`, `agent-missing` or `reserved-unit`. `nixos-version` is the file by which nixos-rebuild itself tells a system from another closure; a
 * closure without `etc/hostname` fits every host, as in NixOS with an empty `networking.hostName`.
 */
export async function assertCandidate(storePath: string, wanted: Wanted): Promise<void> {
  await assertSystem(storePath, wanted)
  await assertUnits(storePath)
}

/** The first half: a system, and for this host. */
export async function assertSystem(storePath: string, wanted: Wanted): Promise<void> {
  const at = 'storePath'
  if ((await lstat(storePath).catch(ignoreMissing(null))) === null) {
    throw new BelayError('path-not-valid', `${storePath} is not on this host`, {
      found: storePath,
      wanted: 'a path in this store',
      at
    })
  }
  for (const file of ['nixos-version', 'system', 'bin/switch-to-configuration']) {
    if ((await lstat(join(storePath, file)).catch(ignoreMissing(null))) === null) {
      const found = `${storePath} has no ${file}`
      throw new BelayError('not-a-system', `not a NixOS system: ${found}`, { found, wanted: file, at })
    }
  }
  const [system, here] = await Promise.all([storePath, wanted.running].map((path) => textOf(path, 'system')))
  if (system !== here) {
    throw new BelayError('wrong-platform', `a system for ${system}; this host is ${here}`, {
      found: system,
      wanted: here,
      at
    })
  }
  const host = await textOf(storePath, 'etc/hostname')
  if (host !== '' && host !== wanted.hostName) {
    const text = `a system for ${host}; this host is ${wanted.hostName}`
    throw new BelayError('wrong-host', text, { found: host, wanted: wanted.hostName, at })
  }
}

/**
 * What a short file of a system says; empty where there is none. Never what a link leads to outside the store: whoever may
 * add to the store would be told what only root may read.
 */
async function textOf(system: string, file: string): Promise<string> {
  const path = join(system, file)
  if ((await lstat(path).catch(ignoreMissing(null))) === null) return ''
  const text = await readStoreFile(path, MAX_BYTES, `${dirname(await realpath(system))}/`)
  if (text !== null) return text.trim()
  const found = `${path} is no short file of the store`
  throw new BelayError('not-a-system', `not a NixOS system: ${found}`, {
    found,
    wanted: file,
    at: 'storePath'
  })
}

/** The second half: the candidate has an agent, which brings the host back from the next one, and none of an operation's own units. */
export async function assertUnits(storePath: string): Promise<void> {
  const at = 'storePath'
  const units = 'etc/systemd/system'
  const unit = `${units}/belay-agent.service`
  // A disabled unit is a link to /dev/null.
  const agent = await readFile(join(storePath, unit), 'utf8').catch(ignoreMissing(''))
  if (agent.trim() === '') {
    const text = 'the generation has no belay-agent; nothing could bring the host back from the next one'
    throw new BelayError('agent-missing', text, { found: `${storePath} has no ${unit}`, wanted: unit, at })
  }
  const ours = (await readdir(join(storePath, units))).find((name) => isOurs(name.replace(/\.d$/, '')))
  if (ours !== undefined) {
    const text = `the generation has a unit ${ours}; that name is of what activates it`
    throw new BelayError('reserved-unit', text, { found: `${units}/${ours}`, wanted: 'another name', at })
  }
}

/** Refuses a candidate without the unit that guards its trial boot: `agent-missing`. */
export async function assertTrialUnit(storePath: string): Promise<void> {
  const units = join(storePath, 'etc/systemd/system')
  const wants = (await readdir(units)).filter((name) => /\.(wants|requires)$/.test(name))
  const wanted = await Promise.all(
    wants.map((name) => lstat(join(units, name, TRIAL_UNIT)).catch(ignoreMissing(null)))
  )
  if (wanted.some((link) => link !== null)) return
  const text = `the generation has no ${TRIAL_UNIT}, which brings the host back from a trial boot`
  throw new BelayError('agent-missing', text, {
    found: `${storePath} has no ${TRIAL_UNIT} that a target wants`,
    wanted: TRIAL_UNIT,
    at: 'storePath'
  })
}
