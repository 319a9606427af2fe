import { join } from 'node:path'
import type { NetworkProgram } from '../../../agent/network/half.ts'

/** The network half as it is, in a process of its own, without the limits that a platform gives it. */
export const networkAlone: NetworkProgram = {
  argv: [process.execPath, join(import.meta.dirname, '../../../agent/network/network-half.ts')],
  env: {},
  clear: async () => {}
}
