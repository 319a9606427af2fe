import { Type } from 'typebox'
import { checkNames } from '../../shared/api/preflight.ts'
import { BelayError } from '../../shared/errors.ts'
import type { MaintenanceWindow } from '../../shared/window.ts'
import { days, isTimeZone } from '../../shared/window.ts'

const closed = { additionalProperties: false } as const
const bytes = (description: string, value: number) =>
  Type.Integer({ minimum: 0, maximum: 1_000_000_000_000_000, description, default: value })
const strictness = (description: string, preset: 'warn' | 'fail' = 'warn') =>
  Type.Enum(['warn', 'fail'], { description, default: preset })

const MiB = 1024 * 1024

const Window = Type.Object(
  {
    days: Type.Array(Type.Enum(days, { description: 'Day' }), { minItems: 1, uniqueItems: true }),
    from: Type.String({ pattern: '^([01]\\d|2[0-3]):[0-5]\\d$', description: 'HH:MM' }),
    to: Type.String({ pattern: '^(([01]\\d|2[0-3]):[0-5]\\d|24:00)$', description: 'HH:MM, up to 24:00' }),
    timeZone: Type.String({ minLength: 1, maxLength: 64, description: 'IANA name, such as Europe/Berlin' })
  },
  { ...closed, description: 'Open on these days from a time to a time' }
)

/** Settings of preflight, of trust and of the maintenance windows. */
export const preflightSettings = {
  windows: Type.Array(Window, {
    maxItems: 50,
    description: 'Maintenance windows outside of which nothing is activated; none is always',
    default: []
  }),
  physicalAccess: Type.Boolean({
    description: 'Somebody can reach the console of this host',
    default: true
  }),
  secondWayIn: Type.Union([Type.String({ minLength: 1 }), Type.Null()], {
    description: 'The way in when the network is gone, in words; a host without physical access needs one',
    default: null
  }),
  trust: Type.Object(
    {
      signaturesNeeded: Type.Integer({
        minimum: 0,
        maximum: 10,
        description:
          'Signatures by trust.publicKeys that every path of a generation must carry; 0 asks for none',
        default: 0
      }),
      publicKeys: Type.Array(Type.String({ pattern: '^[A-Za-z0-9._-]+:[A-Za-z0-9+/]+=*$' }), {
        maxItems: 50,
        description: 'Keys that count for trust.signaturesNeeded, as in nix.conf',
        default: []
      }),
      onLoss: strictness(
        'When a generation trusts fewer keys than the running system, or needs no signatures'
      )
    },
    { ...closed, description: 'Trust', default: {} }
  ),
  preflight: Type.Object(
    {
      mustKnow: Type.Array(Type.Enum(checkNames, { description: 'Check' }), {
        uniqueItems: true,
        description: 'Checks that keep an activation back where they cannot tell, too',
        default: ['hold', 'window', 'candidate', 'agent', 'other-activation', 'baseline']
      }),
      hashBaseline: Type.Boolean({
        description: 'Read and hash every path of the running system, not only its top level',
        default: false
      }),
      storeBytes: bytes('Bytes that stay free where the Nix store is', 256 * MiB),
      bootBytes: bytes('Bytes that stay free where boot entries are, beside what a new one takes', 4 * MiB),
      stateBytes: bytes('Bytes that stay free in the state directory', 2 * MiB),
      inodes: bytes('Inodes that stay free in each of these', 500),
      users: strictness('When people are logged in'),
      userSessionSeconds: Type.Integer({
        minimum: 0,
        maximum: 604_800,
        description:
          'macOS: how long an activation waits for somebody at the screen, where it needs their session; 0 refuses it at once',
        default: 0
      }),
      clock: strictness('When the clock is not synchronised'),
      baselineSecrets: strictness('When a rollback would fail, as a secret could not be decrypted', 'fail')
    },
    { ...closed, description: 'Preflight', default: {} }
  )
}

/** Refuses a window in a zone that does not exist: `invalid-config`. */
export function assertZones(windows: readonly MaintenanceWindow[], at: string): void {
  for (const [i, { timeZone }] of windows.entries()) {
    if (isTimeZone(timeZone)) continue
    const key = `windows.${i}.timeZone`
    const wanted = 'an IANA time zone, such as Europe/Berlin'
    const text = `${at}: ${key}: found ${JSON.stringify(timeZone)}, wanted: ${wanted}`
    throw new BelayError('invalid-config', text, { found: timeZone, wanted, at: key })
  }
}
