import { InvalidArgumentError, Option } from 'commander'
import { Value } from 'typebox/value'
import { ProfileName } from '../../shared/api/profile.ts'

/** Which profile a command is about. */
export const ofProfile = () =>
  new Option('--profile <name>', 'system (default), or home:USER').argParser((text): ProfileName => {
    if (Value.Check(ProfileName, text)) return text
    throw new InvalidArgumentError('wanted system, or home: and the name of a user')
  })

/** Homes that move with the system, as `USER=PATH`. */
export const withHome = () =>
  new Option(
    '--with-home <user=path>',
    'a home that moves with the system; may stand several times'
  ).argParser((text, before: readonly HomeOfUser[] = []) => {
    const [, user, storePath] = /^([^=]+)=(.+)$/.exec(text) ?? []
    if (user !== undefined && storePath !== undefined) return [...before, { user, storePath }]
    throw new InvalidArgumentError('wanted USER=/nix/store/…')
  })

/** The generation of a user's home. */
export interface HomeOfUser {
  readonly user: string
  readonly storePath: string
}
