/** What a system of nix-darwin in the tests is made of. */
export interface System {
  readonly label: string
  /** The agent's version; null is none, `broken` exits at once. */
  readonly agent?: string | null
  /** A sed script by which this system's property list of the agent differs from the one in launchd/. */
  readonly agentPlistEdit?: string
  /** Daemons by label: the body of a shell script. */
  readonly daemons?: Readonly<Record<string, string>>
  /** Jobs of the user's session, by label. */
  readonly userAgents?: Readonly<Record<string, string>>
  /** More files by relative path, such as `etc/motd`. */
  readonly files?: Readonly<Record<string, string>>
  /** Settings: `DOMAIN KEY VALUE`. */
  readonly defaults?: readonly string[]
  /** Packages of Homebrew; the one called `fail` breaks the activation off. */
  readonly brew?: readonly string[]
  /** The step at which the activation ends with 1, or sleeps. */
  readonly failAt?: string
  readonly hangAt?: string
  readonly hangSeconds?: number
  /** Output without end of line. */
  readonly floodBytes?: number
  /** The activation leaves a process behind. */
  readonly forks?: true
  /** Content of /etc/belay/agent.json. */
  readonly config?: Readonly<Record<string, unknown>>
}

const job = (label: string, script: string) => `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
<key>Label</key><string>${label}</string>
<key>ProgramArguments</key><array><string>/bin/sh</string><string>-c</string><string>${script.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')}</string></array>
<key>KeepAlive</key><true/>
<key>RunAtLoad</key><true/>
</dict></plist>
`

/** The argument of test/fixtures/darwin/system.nix. */
export function knobsOf(system: System): string {
  const { label, agent = 'bundle', daemons = {}, userAgents = {}, files = {}, brew, config = {} } = system
  const plists = (folder: string, jobs: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(jobs).map(([name, script]) => [`${folder}/${name}.plist`, job(name, script)])
    )
  const knobs = [
    `fail_at='${system.failAt ?? ''}'`,
    `hang_at='${system.hangAt ?? ''}'`,
    `hang_seconds=${system.hangSeconds ?? 0}`,
    `flood_bytes=${system.floodBytes ?? 0}`,
    `forks=${system.forks ? 1 : 0}`,
    `user_agents=${Object.keys(userAgents).length > 0 ? 1 : 0}`,
    `defaults="${(system.defaults ?? []).join(';')}"`
  ]
  return JSON.stringify({
    label,
    agent,
    agentPlistEdit: system.agentPlistEdit ?? '',
    brew: brew === undefined ? null : brew.map((name) => `${name}\n`).join(''),
    knobs: `${knobs.join('\n')}\n`,
    files: {
      ...(agent === null ? {} : { 'etc/belay/agent.json': JSON.stringify(config) }),
      ...plists('Library/LaunchDaemons', daemons),
      ...plists('user/Library/LaunchAgents', userAgents),
      ...files
    }
  })
}
