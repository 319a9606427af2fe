import { Type } from 'typebox'
import type { BoundedResult } from '../../../shared/command.ts'
import type { Finding, Thresholds } from './kind.ts'
import {
  defineKind,
  fail,
  hostName,
  judge,
  orNull,
  path,
  port,
  thresholds,
  unknown,
  userName
} from './kind.ts'

const options = {
  host: hostName('Host, as ssh knows it'),
  port: orNull(port()),
  login: orNull(userName('User there')),
  user: Type.Union([userName('User'), Type.Null()], {
    description: 'User to run ssh as; null is root',
    default: null
  }),
  identityFile: orNull(path('Private key')),
  knownHostsFile: orNull(path('Known hosts')),
  ...thresholds('Seconds until the session has ended', { warn: null, fail: null })
}

/** A login by ssh to this host or another, without any question asked and with a host key that is known. */
export const sshKind = defineKind({
  options,
  gives: { measures: 'duration', unit: 'seconds' },
  begin:
    ({ user, ...target }) =>
    async (world) => {
      const begun = world.monotonicMs()
      const ran = await world.runContained(sshCommand(target, ['true']), { user, environment: {} })
      return judgeSsh(ran, (world.monotonicMs() - begun) / 1000, target)
    }
})

/** Where a session goes to. */
export interface SshTarget {
  readonly host: string
  readonly port: number | null
  readonly login: string | null
  readonly identityFile: string | null
  readonly knownHostsFile: string | null
}

/** The command line of a session that never asks and trusts nobody new. */
export function sshCommand(target: SshTarget, command: readonly string[]): readonly string[] {
  const { host, port, login, identityFile, knownHostsFile } = target
  const option = (name: string, value: string) => ['-o', `${name}=${value}`]
  return [
    'ssh',
    '-T',
    '-n',
    ...option('BatchMode', 'yes'),
    ...option('StrictHostKeyChecking', 'yes'),
    ...option('ConnectTimeout', '10'),
    ...option('ControlMaster', 'no'),
    ...option('ControlPath', 'none'),
    ...option('ForwardAgent', 'no'),
    ...option('ForwardX11', 'no'),
    ...option('ClearAllForwardings', 'yes'),
    ...(port === null ? [] : ['-p', String(port)]),
    ...(login === null ? [] : ['-l', login]),
    ...(identityFile === null ? [] : [...option('IdentitiesOnly', 'yes'), '-i', identityFile]),
    ...(knownHostsFile === null ? [] : option('UserKnownHostsFile', knownHostsFile)),
    '--',
    host,
    ...command
  ]
}

/** Fails when no session came about; a session that ended by force tells nothing. */
export function judgeSsh(ran: BoundedResult, seconds: number, bounds: Thresholds): Finding {
  if (ran.ended !== 'exited') return unknown(`ssh did not run to its end (${ran.ended})`)
  const said = ran.stderr.trim().split('\n').at(-1)?.slice(0, 200) ?? ''
  if (ran.code !== 0) return fail(`ssh exited with ${ran.code}${said === '' ? '' : `: ${said}`}`)
  return judge(seconds, bounds, `logged in and out in ${seconds.toFixed(2)} s`)
}
