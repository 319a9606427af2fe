import { readFile } from 'node:fs/promises'
import type { Static } from 'typebox'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { BelayError } from '../../shared/errors.ts'
import { problemsOf } from '../inventory/problems.ts'
import { keepByDefault } from '../store/retention.ts'

const closed = { additionalProperties: false } as const
const text = (description: string) => Type.String({ description, default: '', pattern: '^[^\\s$%]*$' })
const group = (description: string) =>
  Type.Union([Type.String({ minLength: 1 }), Type.Null()], { description, default: null })
const count = (minimum: number, maximum: number, preset: number, description: string) =>
  Type.Integer({ minimum, maximum, description, default: preset })

/** The configuration file of the controller's daemon, JSON. Every key has a default. */
export const ControllerSettings = Type.Object(
  {
    fleetFile: text('The fleet file; default is the one of the command line'),
    stateDirectory: text('Where the database is; default is $STATE_DIRECTORY, then $XDG_STATE_HOME/belay'),
    socketDirectory: text(
      'Where the sockets are made; default is $RUNTIME_DIRECTORY, then sockets in the state directory'
    ),
    logLevel: Type.Enum(['trace', 'debug', 'info', 'warn', 'error'], {
      description: 'Least level logged',
      default: 'info'
    }),
    groups: Type.Object(
      {
        observe: group('Group that may read: hosts, rollouts, metrics'),
        propose: group('Group that may also hand plans in, and ask for reboots'),
        approve: group('Group that may also approve stages, and start what was proposed'),
        operate: group('Group that may also start, pause, skip, retry and abort'),
        admin: group('Group that may do everything')
      },
      { ...closed, description: "Groups of the sockets; null is the daemon's user alone", default: {} }
    ),
    listen: Type.Object(
      {
        address: text('Address for callers on other machines, over TLS alone; none is no such listener'),
        port: count(1, 65_535, 9464, 'Its port'),
        certificateFile: text('Its certificate with the chain, PEM'),
        keyFile: text("The certificate's key, PEM"),
        clientCaFile: text('Authorities whose certificates callers may show, PEM; none is tokens alone'),
        crlFile: text('What those authorities revoked, PEM; needed with clientCaFile'),
        clients: Type.Enum(['optional', 'required'], {
          description:
            'Whether a caller without a certificate may come with a token, or is refused in the handshake',
          default: 'optional'
        }),
        maxConnections: count(16, 20_000, 256, 'Connections at the same time'),
        maxPerAddress: count(1, 20_000, 64, 'Of these so many from one address'),
        requestsPerSecond: count(1, 10_000, 50, 'Requests of one caller in a second, in the long run'),
        requestsAtOnce: count(1, 10_000, 200, 'Requests of one caller that may come at once')
      },
      { ...closed, description: 'The listener for other machines', default: {} }
    ),
    collect: Type.Object(
      {
        seconds: count(5, 3600, 60, 'Time between two looks at a host'),
        parallel: count(1, 256, 32, 'Hosts that are looked at at the same time'),
        streams: count(0, 1000, 64, 'Hosts to which a connection is kept open; the others are asked anew'),
        verdictMinutes: count(1, 1440, 15, 'Time between two verdicts on a host'),
        keepDays: count(
          1,
          400,
          30,
          'Days for which events, and the reboot locks of hosts in the audit, are kept'
        )
      },
      { ...closed, description: 'What is collected from the hosts', default: {} }
    ),
    rollouts: Type.Object(
      {
        keepDays: count(1, 4000, keepByDefault.days, 'Days for which a rollout is kept after its end'),
        keepAtLeast: count(
          1,
          1000,
          keepByDefault.atLeast,
          'Ended rollouts that are kept however old they are'
        )
      },
      { ...closed, description: 'What is kept of rollouts that have ended', default: {} }
    ),
    push: Type.Boolean({ description: 'Copy closures to the hosts before they begin', default: true })
  },
  { ...closed, $id: 'ControllerSettings', description: "Configuration of the controller's daemon" }
)
export type ControllerSettings = Static<typeof ControllerSettings>

/** Reads and validates a configuration file; none is all defaults. Throws `invalid-config`. */
export async function loadControllerSettings(file: string | undefined): Promise<ControllerSettings> {
  if (file === undefined) return parseControllerSettings('{}', 'defaults')
  const content = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new BelayError('invalid-config', `${file} cannot be read: ${cause.message}`, { cause, at: file })
  })
  return parseControllerSettings(content, file)
}

/** Validates the text of a configuration file and fills in defaults. */
export function parseControllerSettings(content: string, at: string): ControllerSettings {
  let input: unknown
  try {
    input = JSON.parse(content)
  } catch (cause) {
    throw new BelayError('invalid-config', `${at} is not JSON`, { cause, at })
  }
  const filled = Value.Default(ControllerSettings, input)
  if (Value.Check(ControllerSettings, filled)) return judged(filled, at)
  const problems = problemsOf(ControllerSettings, filled)
  const lines = problems.map(({ path, message }) => `${[at, ...path].join('.')}: ${message}`)
  const [first] = problems
  throw new BelayError('invalid-config', lines.join('\n') || `${at} is not a map`, {
    found: first?.found ?? input,
    wanted: first?.wanted ?? 'a map',
    at: first?.path.join('.') || at
  })
}

function judged(settings: ControllerSettings, at: string): ControllerSettings {
  const { address, certificateFile, keyFile, clientCaFile, crlFile, clients } = settings.listen
  const refuse = (why: string, wanted: string) => {
    const text = `${at}: ${why}`
    return new BelayError('invalid-config', text, { found: settings.listen, wanted, at: 'listen' })
  }
  if (address !== '' && (certificateFile === '' || keyFile === '')) {
    const wanted = 'listen.certificateFile and listen.keyFile'
    throw refuse(`listen.address needs ${wanted}: tokens travel over TLS alone`, wanted)
  }
  // An authority whose certificates nobody could take back would be half of one.
  if ((clientCaFile === '') !== (crlFile === ''))
    throw refuse(
      'listen.clientCaFile and listen.crlFile need each other',
      'both, as belay pki init writes them'
    )
  if (clients === 'required' && clientCaFile === '')
    throw refuse('listen.clients is required, and no authority is named', 'listen.clientCaFile')
  return settings
}
