import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { RebootNeed } from '../../shared/api/reboot.ts'
import type { ActivationMode } from '../../shared/api/schemas.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import { BelayError, describeError } from '../../shared/errors.ts'
import { ignoreMissing } from '../platform/nix/generations.ts'
import { assertComplete } from '../platform/nix/profile.ts'
import { assertSystem, assertUnits } from '../platform/nixos/candidate.ts'
import { rebootNeed } from '../platform/nixos/reboot-need.ts'
import type { Finding } from './check.ts'
import { check, fail, pass, unknown, warn } from './check.ts'

const units = 'etc/systemd/system'

const remedies: Partial<Record<ErrorCode, string>> = {
  'path-not-valid': 'copy it here, whole: nix copy, or belay push',
  'not-a-system': 'give the top level of a system: config.system.build.toplevel',
  'wrong-platform': 'build it for the platform of this host',
  'wrong-host': 'give the system of this host; its networking.hostName tells',
  'agent-missing': 'set services.belay-agent.enable in it',
  'reserved-unit': 'give that unit another name',
  'not-a-home': 'give the activationPackage of a homeConfiguration',
  'wrong-user': 'give the home of this user; its home.username tells'
}

/** A complete system for this host and platform. */
export const candidate = check({
  name: 'candidate',
  look: async ({ storePath, settings, seen }) => {
    const { hostName } = settings
    const { running } = seen
    if (running === null) return 'no system runs here: /run/current-system is missing'
    return refusalFrom(async () => {
      await assertSystem(storePath, { hostName, running })
      await assertComplete(storePath)
    })
  },
  judge: (refusal) => judgeRefusal(refusal, 'complete, and for this host and platform')
})

/** Its agent would start: the unit is there and wanted, and no unit has a name that is an operation's. */
export const agent = check({
  name: 'agent',
  look: async ({ storePath }) => {
    const refusal = await refusalFrom(() => assertUnits(storePath))
    return refusal ?? { wantedBy: await wantedBy(storePath) }
  },
  judge: (seen) => {
    if (seen instanceof BelayError || typeof seen === 'string') return judgeRefusal(seen, '')
    if (seen.wantedBy.length > 0) return pass(`belay-agent.service is wanted by ${seen.wantedBy.join(', ')}`)
    const remedy = 'set services.belay-agent.enable in it, or systemd.services.belay-agent.wantedBy'
    return fail('agent-missing', 'nothing starts belay-agent.service at boot: no target wants it', remedy)
  }
})

/** A running host can take all of it up, or it is to be booted. */
export const reboot = check({
  name: 'reboot',
  look: async ({ storePath, seen }) =>
    seen.running === null ? null : rebootNeed(seen.running, storePath, seen.booted),
  judge: (need, { mode }) => (need === null ? unknown('no system runs here') : judgeReboot(need, mode))
})

export function judgeReboot({ required, recommended, causes }: RebootNeed, mode: ActivationMode): Finding {
  const shown = causes.map(({ what, from, to }) => `${what}: ${from ?? 'none'} -> ${to ?? 'none'}`).join(', ')
  if (!recommended) return pass('a switch brings all of it')
  if (mode !== 'switch') return pass(`it is booted, which brings ${shown}`)
  const remedy = 'take it up by a reboot: --mode boot, or auto'
  if (!required) return warn(`this waits for the next boot: ${shown}`, remedy)
  return fail('reboot-required', `only a reboot brings this generation: ${shown}`, remedy)
}

/** What an assertion refuses with; null where it does not. What is not ours goes on. */
export async function refusalFrom(assert: () => Promise<void>): Promise<BelayError | null> {
  try {
    await assert()
    return null
  } catch (error) {
    if (error instanceof BelayError && error.code in remedies) return error
    throw error
  }
}

/** A finding of what {@link refusalFrom} gave. */
export function judgeRefusal(refusal: BelayError | string | null, fine: string): Finding {
  if (refusal === null) return pass(fine)
  if (typeof refusal === 'string') return fail('path-not-valid', refusal, 'boot a NixOS system')
  return fail(refusal.code, describeError(refusal), remedies[refusal.code] ?? '')
}

/** Targets that start the agent, by the links which `systemctl enable` or NixOS make. */
async function wantedBy(storePath: string): Promise<readonly string[]> {
  const names = await readdir(join(storePath, units)).catch(ignoreMissing<string[]>([]))
  const folders = names.filter((name) => /\.target\.(wants|requires)$/.test(name))
  const wanting = await Promise.all(
    folders.map(async (folder) => {
      const members = await readdir(join(storePath, units, folder))
      return members.includes('belay-agent.service') ? folder.replace(/\.(wants|requires)$/, '') : null
    })
  )
  return wanting.filter((target) => target !== null).sort()
}
