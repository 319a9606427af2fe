import { InvalidArgumentError, Option } from 'commander'
import { Value } from 'typebox/value'
import { ProfileName } from '../../shared/api/profile.ts'

/** Which profile a command is about. */
export const ofProfile = () =>
  new Option('--profile <name>', 'system (default), or home:USER').argParser((text): ProfileName => {
    if (Value.Check(ProfileName, text)) return text
    throw new InvalidArgumentError('wanted system, or home: and the name of a user')
  })
