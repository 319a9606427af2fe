import type { Measures } from '../../health/begin.ts'
import { judgeFailed } from '../../health/kinds/failed-units.ts'
import type { Finding } from '../../health/kinds/kind.ts'
import { unknown } from '../../health/kinds/kind.ts'
import type { UserUnits } from '../../health/kinds/user-units.ts'
import { judgeJobs } from './failed-jobs.ts'
import type { Listed } from './launchctl-text.ts'
import { parseList } from './launchctl-text.ts'
import { judgeRunning } from './running-jobs.ts'
import { FIRST_PERSON } from './session.ts'
import { tools } from './tools.ts'

/** With what home-manager begins the labels of its jobs. Of the others of a session some always fail. */
const HOME_JOBS = 'org.nix-community.home.'

/** Judges the jobs of a user's session. */
export function judgeUserJobs(listed: readonly Listed[], { user, units, ignore }: UserUnits): Finding {
  const own = listed.map(({ label }) => label).filter((label) => label.startsWith(HOME_JOBS))
  if (own.length === 0 && units.length === 0)
    return unknown(`the session of ${user} has no job of home-manager, and no other is named`)
  const finding = judgeFailed(judgeJobs(own, listed), ignore)
  return finding.result === 'pass' && units.length > 0 ? judgeRunning(units, listed) : finding
}

/** The jobs of a user's session on the screen, which launchd alone knows. */
export const userJobs: Measures = {
  'user-units': (options) => async (world) => {
    const asked = options as UserUnits
    const { stdout: id } = await world.run([tools.id, '-u', asked.user])
    const uid = /^[1-9]\d{2,9}$/.exec(id.trim())?.[0]
    if (uid === undefined || Number(uid) < FIRST_PERSON)
      return unknown(`macOS knows no person called ${asked.user}`)
    const list = [tools.launchctl, 'asuser', uid, tools.launchctl, 'list']
    const { code, stdout, ended } = await world.run(list)
    if (ended !== 'exited' || code !== 0) return unknown(`${asked.user} has no session on the screen`)
    return judgeUserJobs(parseList(stdout), asked)
  }
}
