import { extname, join } from 'node:path'

/** How the network half is started: Node, its flags and the entry file, which stands beside this one. */
export const networkCommand = (): readonly string[] => [
  process.execPath,
  ...process.execArgv,
  join(import.meta.dirname, `network-half${extname(import.meta.filename)}`)
]
