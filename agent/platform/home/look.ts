import { readFile } from 'node:fs/promises'
import pLimit from 'p-limit'
import { runCommand } from '../../../shared/command.ts'
import { BelayError } from '../../../shared/errors.ts'
import { runAsUser } from './as-user.ts'
import type { HomeSeen } from './seen.ts'
import { parseSeen, parseUser } from './seen.ts'

const script = new URL('./look.sh', import.meta.url)

/** Seconds that a look may take: a home may lie on a network file system that is gone. */
const LIMIT = 10
/** Looks at the same time. */
const atOnce = pLimit(4)

/**
 * Looks at the home of a user, as that user. Throws `home-unknown` for a user that is not there and for root,
 * `command-failed` or `command-timeout` for a home that cannot be looked at.
 */
export async function lookAtHome(user: string): Promise<HomeSeen> {
  await assertAccount(user)
  const input = await readFile(script, 'utf8')
  const how = { user, manager: null, limitSeconds: LIMIT, input }
  const text = await atOnce(() => runAsUser(['/bin/sh', '-s', user], how))
  const seen = parseSeen(text)
  if (seen !== null) return seen
  throw new BelayError('command-failed', `the home of ${user} cannot be made sense of`, {
    found: text.slice(-300),
    wanted: 'a home and paths of letters, digits and @_+,./-'
  })
}

/** Refuses a user that is not there, and root: what is run for the owner of this host is run as root. */
export async function assertAccount(user: string): Promise<void> {
  const { code, stdout } = await runCommand(['id', '-u', '--', parseUser(user)], { timeoutMs: 10_000 })
  if (code === 0 && /^[1-9]\d*$/.test(stdout.trim())) return
  const text = code === 0 ? `${user} is root; a home of root is a part of the system` : `no user ${user} here`
  throw new BelayError('home-unknown', text, { found: user, wanted: 'a user other than root', at: 'profile' })
}
