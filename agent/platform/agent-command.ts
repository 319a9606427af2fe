/** How this agent is started: Node, its flags and the entry file. */
export const agentCommand = (): readonly string[] => [
  process.execPath,
  ...process.execArgv,
  process.argv[1] ?? ''
]

/** Where Nix and the system have their tools, behind the caller's own PATH. */
export const toolPath = () =>
  [process.env.PATH, '/run/current-system/sw/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin']
    .filter(Boolean)
    .join(':')

/** Exit code of a runner whose journal cannot be read: starting it again would not help. */
export const UNREADABLE = 65
