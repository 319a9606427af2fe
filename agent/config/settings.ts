import { access, readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { Static } from 'typebox'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { BelayError } from '../../shared/errors.ts'
import { cronProblem } from '../health/cron.ts'
import { ignoreMissing } from '../platform/nix/generations.ts'
import { readTrustedFile } from '../security/trusted-file.ts'
import { ApprovalSettings } from './approval.ts'
import { Checks, parseChecks } from './checks.ts'
import { HistorySettings } from './history.ts'
import { HomeSettings } from './homes.ts'
import { MetricsSettings } from './metrics.ts'
import { assertZones, preflightSettings } from './preflight.ts'
import { Retention } from './retention.ts'

const closed = { additionalProperties: false } as const
const path = (description: string, value: string) =>
  Type.String({ pattern: '^/[^\\s$%]*$', description, default: value })
const seconds = (description: string, value: number, minimum = 1) =>
  Type.Integer({ minimum, maximum: 86_400, description, default: value })
const group = (description: string) =>
  Type.Union([Type.String({ minLength: 1 }), Type.Null()], { description, default: null })

/** The configuration file of the agent, JSON. Every key has a default. */
export const Settings = Type.Object(
  {
    hostName: Type.String({
      minLength: 1,
      description: "Name of this host; default is the system's",
      default: ''
    }),
    stateDirectory: path('Operations and what must survive', '/var/lib/belay'),
    socketDirectory: path('Where the sockets are made', '/run/belay'),
    gcRootsDirectory: path('Garbage collector roots of ours', '/nix/var/nix/gcroots/belay'),
    profile: path('System profile', '/nix/var/nix/profiles/system'),
    bootDirectory: path('Where boot entries are', '/boot'),
    logLevel: Type.Enum(['trace', 'debug', 'info', 'warn', 'error'], {
      description: 'Least level logged',
      default: 'info'
    }),
    confirm: Type.Object(
      { windowSeconds: seconds('Confirm window where a request names none', 120, 5) },
      { ...closed, description: 'Confirmation', default: {} }
    ),
    limits: Type.Object(
      {
        activationSeconds: seconds('An activation script is ended, with all it started, after so long', 600),
        agentSeconds: seconds('How long the agent of the new generation may take to answer', 30),
        bootSeconds: seconds('How long a trial boot may take to come up', 600)
      },
      { ...closed, description: 'Time limits', default: {} }
    ),
    reboot: Type.Object(
      {
        policy: Type.Enum(['never', 'when-asked', 'in-window'], {
          description:
            'When the agent reboots the host into a generation that is staged: never; when somebody with the operate role says so; or also by itself in one of the windows',
          default: 'when-asked'
        })
      },
      { ...closed, description: 'Reboots', default: {} }
    ),
    groups: Type.Object(
      {
        observe: group('Group that may read: host, operations, metrics'),
        propose: group('Group that may also hand signed approvals in'),
        operate: group('Group that may also activate, confirm and roll back'),
        admin: group('Group that may do everything')
      },
      { ...closed, description: 'Groups of the sockets; null is root alone', default: {} }
    ),
    approval: ApprovalSettings,
    homes: HomeSettings,
    keepOperations: Type.Integer({
      minimum: 5,
      maximum: 10_000,
      description: 'Ended operations kept',
      default: 200
    }),
    history: HistorySettings,
    metrics: MetricsSettings,
    retention: Retention,
    checks: Checks,
    ...preflightSettings
  },
  { ...closed, $id: 'Settings', description: 'Configuration of belay-agent' }
)
export type Settings = Static<typeof Settings>

/** The file that is read where none is named; it may be missing. */
export const DEFAULT_CONFIG = '/etc/belay/agent.json'

/**
 * Reads and validates a configuration file. Throws `invalid-config` naming key, value and what was wanted. What root
 * reads nobody but root can have written; a file that is only `looked` at may be anybody's.
 */
export async function loadSettings(file: string | null, looked = false): Promise<Settings> {
  const at = file ?? DEFAULT_CONFIG
  const read = looked || process.geteuid?.() !== 0 ? readFile(at, 'utf8') : readOfRoot(at)
  const text = await (file === null ? read.catch(ignoreMissing('{}')) : read).catch((cause: unknown) => {
    const why = cause instanceof BelayError ? cause.message : `${at} cannot be read`
    throw new BelayError('invalid-config', why, { cause, at })
  })
  return parseSettings(text, at)
}

async function readOfRoot(at: string): Promise<string> {
  await access(at)
  return (await readTrustedFile(at)).toString('utf8')
}

/** Validates the text of a configuration file and fills in defaults. */
export function parseSettings(text: string, at: string): Settings {
  let input: unknown
  try {
    input = JSON.parse(text)
  } catch (cause) {
    throw new BelayError('invalid-config', `${at} is not JSON`, { cause, at })
  }
  const filled = Value.Default(Settings, input)
  if (typeof filled === 'object' && filled !== null && 'hostName' in filled) filled.hostName ||= hostname()
  if (Value.Check(Settings, filled)) {
    parseChecks(filled.checks, filled)
    assertZones(filled.windows, at)
    assertComes(filled.retention.schedule, at)
    return filled
  }
  throw settingsError(filled, at)
}

/** node-cron would search for ever for a day that never comes. */
function assertComes(schedule: string | null, at: string): void {
  const wanted = schedule === null ? null : cronProblem(schedule)
  if (wanted === null) return
  const text = `${at}: retention.schedule: found ${JSON.stringify(schedule)}: ${wanted}`
  throw new BelayError('invalid-config', text, { found: schedule, wanted, at: 'retention.schedule' })
}

function settingsError(filled: unknown, at: string): BelayError {
  // An unknown key is reported twice: at the object, and, by the `false` schema, at the key itself.
  const errors = Value.Errors(Settings, filled)
  const first = errors.find(({ keyword }) => keyword === 'boolean') ?? errors[0]
  const path = first?.instancePath.split('/').filter(Boolean) ?? []
  const key = path.join('.')
  const found = path.reduce<unknown>(
    (value, part) => (value as Record<string, unknown> | null)?.[part],
    filled
  )
  const wanted = first?.keyword === 'boolean' ? 'no such key' : (first?.message ?? 'a valid configuration')
  const text = `${at}: ${key || 'the whole'}: found ${JSON.stringify(found)}, wanted: ${wanted}`
  return new BelayError('invalid-config', text, { found, wanted, at: key })
}
