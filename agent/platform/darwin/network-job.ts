import type { NetworkProgram } from '../../network/half.ts'
import { networkCommand } from '../../network/program.ts'
import { tools } from './tools.ts'

/** A user that every Mac has, and that owns nothing. */
const USER = 'nobody'

/** The network half: launchd has no transient jobs, so that it is a child of ours, in a process group of its own. */
export const networkProgram = (): NetworkProgram => ({
  argv: [tools.sudo, '-n', '-u', USER, '--', ...networkCommand()],
  env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
  // Its group ends with the conversation.
  clear: async () => {}
})
