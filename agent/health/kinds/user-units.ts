import { Type } from 'typebox'
import type { BoundedResult } from '../../../shared/command.ts'
import { judgeFailed } from './failed-units.ts'
import type { Finding } from './kind.ts'
import { defineKind, unitName, unknown, userName } from './kind.ts'
import { judgeActive } from './service.ts'
import { parseShow, parseUnits } from './systemctl.ts'

/** Exit code of the script where the service manager of the user does not run. */
const NO_MANAGER = 75

/** Run as the user: what has failed, and what becomes of the units that are named. */
const LOOK = `XDG_RUNTIME_DIR=/run/user/$(id -u)
export XDG_RUNTIME_DIR
[ -S "$XDG_RUNTIME_DIR/systemd/private" ] || exit ${NO_MANAGER}
systemctl --user --no-pager list-units --state=failed --output=json || exit
[ $# = 0 ] || { echo; echo; systemctl --user --no-pager show --property=Id,LoadState,ActiveState,SubState,Result -- "$@"; }`

/** Units of a user's own service manager, such as the services of a home. */
export const userUnitsKind = defineKind({
  options: {
    user: userName('Whose units'),
    units: Type.Array(unitName, { maxItems: 50, description: 'Units that must be active', default: [] }),
    ignore: Type.Array(unitName, { maxItems: 100, description: 'Units that may fail', default: [] })
  },
  gives: { measures: null, unit: 'units' },
  begin:
    ({ user, units, ignore }) =>
    async (world) =>
      judgeUserUnits(
        await world.runContained(['sh', '-c', LOOK, 'sh', ...units], { user, environment: {} }),
        { user, units, ignore }
      )
})

/** What was looked for. */
export interface UserUnits {
  readonly user: string
  readonly units: readonly string[]
  readonly ignore: readonly string[]
}

/** Judges what the service manager of a user has said; the user alone vouches for it. */
export function judgeUserUnits(ran: BoundedResult, { user, units, ignore }: UserUnits): Finding {
  const { code, stdout, stderr, ended } = ran
  if (ended === 'exited' && code === NO_MANAGER)
    return unknown(`${user} is not logged in: no service manager of this user runs`)
  if (ended !== 'exited' || code !== 0) {
    const how = ended === 'exited' ? `exit code ${code}` : ended
    return unknown(`the units of ${user} cannot be looked at (${how}): ${stderr.trim().slice(0, 200)}`)
  }
  const [failed = '', shown = ''] = stdout.split('\n\n\n')
  const finding = judgeFailed(parseUnits(failed), ignore)
  if (finding.result !== 'pass' || units.length === 0) return finding
  const active = parseShow(shown)
  return active.length === units.length
    ? judgeActive(active)
    : unknown(`${user}'s service manager tells of ${active.length} units, not ${units.length}`)
}
