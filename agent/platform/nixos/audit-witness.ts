import { userPattern } from '../../../shared/api/profile.ts'
import { runCommand } from '../../../shared/command.ts'
import { isIdentity } from '../../operation/store.ts'
import type { AuditWitness } from '../platform.ts'
import { stateOf } from './systemd.ts'
import { ACTIVATION_UNIT } from './transient-unit.ts'
import { HOME_UNITS, runnerUnit } from './units.ts'

const HOME_UNIT = new RegExp(`^${HOME_UNITS}${userPattern}\\.service$`)

/** Asks systemd. */
export const systemdWitness: AuditWitness = {
  source: "systemd's journal",
  runner: async (profile) => {
    const state = await stateOf(runnerUnit(profile)).catch(() => null)
    if (state === null) return null
    return state.running ? (state.description.split(' ').at(-1) ?? '') : ''
  },
  activated: async (asked) => {
    const [named, units] = await Promise.all([
      journalctl(['--field=BELAY_OPERATION']),
      journalctl(['--field=UNIT'])
    ])
    // Anybody may write such fields. Of a system what its activation has written counts; of a home, in whose unit its user
    // may write anything, what systemd itself has said of the unit.
    const system = [`_SYSTEMD_UNIT=${ACTIVATION_UNIT}.service`]
    const homes = units.filter((unit) => HOME_UNIT.test(unit)).map((unit) => `UNIT=${unit}`)
    const ways = [system, ...(homes.length === 0 ? [] : [['_PID=1', ...homes]])]
    const isTold = async (id: string) => {
      const told = ways.map((way) =>
        journalctl(['--lines=1', '--output=cat', ...way, `BELAY_OPERATION=${id}`])
      )
      return (await Promise.all(told)).some((lines) => lines.length > 0)
    }
    const ids = named.filter((id) => isIdentity(id) && asked(id))
    const told = await Promise.all(ids.map(isTold))
    return ids.filter((_, i) => told[i])
  }
}

async function journalctl(args: readonly string[]): Promise<readonly string[]> {
  const { code, stdout } = await runCommand(['journalctl', '--quiet', '--no-pager', ...args], {
    timeoutMs: 20_000
  })
  return code === 0 ? stdout.split('\n').filter(Boolean) : []
}
