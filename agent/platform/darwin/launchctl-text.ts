/** What `launchctl print` says of a job. It is no interface, says its manual: only a few lines are looked for. */
export interface JobState {
  /** As it is written: `running`, `not running`, `spawn scheduled`, and others. */
  readonly state: string
  readonly pid: number | null
  /** How often it has been started. */
  readonly runs: number | null
  /** Null where it has never ended, or by a signal. */
  readonly lastExit: number | null
  /** Its property list. */
  readonly path: string | null
}

/** Reads `launchctl print DOMAIN/LABEL`. Lines of blocks inside it are indented further, and do not count. */
export function parsePrint(text: string): JobState | null {
  const fields = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, name, value] = /^\t?([a-z][a-z ]*?) = (.*)$/.exec(line) ?? []
    if (name !== undefined && value !== undefined && !fields.has(name)) fields.set(name, value.trim())
  }
  const state = fields.get('state')
  if (state === undefined) return null
  return {
    state,
    pid: whole(fields.get('pid')),
    runs: whole(fields.get('runs')),
    lastExit: whole(fields.get('last exit code')),
    path: fields.get('path') ?? null
  }
}

/** A job in a list. */
export interface Listed {
  readonly label: string
  /** Null while it does not run. */
  readonly pid: number | null
  /** How it ended last: an exit code, or minus the number of a signal. */
  readonly status: number | null
}

/** Reads `launchctl list`: process, last status and label, a tabulator between two. */
export function parseList(text: string): readonly Listed[] {
  return text.split('\n').flatMap((line) => {
    const [pid = '', status = '', label = '', ...more] = line.split('\t')
    if (label === '' || more.length > 0 || label === 'Label') return []
    return [{ label, pid: whole(pid), status: whole(status) }]
  })
}

/** Takes the number in front: some releases write `78: EX_CONFIG`. */
function whole(text: string | undefined): number | null {
  const digits = /^-?\d{1,15}(?=$|:|\s)/.exec(text ?? '')?.[0]
  return digits === undefined ? null : Number(digits)
}
