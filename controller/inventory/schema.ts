import type { Static } from 'typebox'
import { Type } from 'typebox'
import { SoakDefaults, SoakOverride } from '../../shared/verdict/policy.ts'
import { Monitoring } from '../monitor/prometheus-schema.ts'
import { Notify } from '../notify/schema.ts'
import { factFields, ownFactFields } from './facts-schema.ts'
import { HomeEntries } from './home-schema.ts'
import { Caches, CheckPolicy, SecretsPolicy, VarsPolicy } from './pipeline-schema.ts'
import { RolloutPolicy } from './rollout-schema.ts'
import { closed, hostName, words } from './words.ts'

/** How ssh reaches a host; what `defaults` may say for all hosts. */
const sshFields = {
  user: Type.Optional(
    Type.String({
      description: 'User to log in as; needs access to the socket of the agent. Default root',
      pattern: '^[a-z_][a-z0-9_.-]{0,31}$'
    })
  ),
  port: Type.Optional(Type.Integer({ description: 'TCP port of sshd', minimum: 1, maximum: 65_535 })),
  identityFile: Type.Optional(
    Type.String({
      description: 'Private key file; a relative path counts from the fleet file',
      minLength: 1,
      pattern: '^[^-]'
    })
  ),
  options: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      description: 'Further arguments of ssh, one word each, such as [-o, StrictHostKeyChecking=yes]'
    })
  ),
  command: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      description: 'Program to run instead of ssh, with its first arguments. Default [ssh]',
      minItems: 1
    })
  )
}

const connectionFields = {
  socket: Type.Optional(
    Type.String({
      description: 'Socket of the agent on the host. Default /run/belay/operate.sock',
      pattern: '^/[^:\\s]+$',
      maxLength: 107
    })
  )
}

const Confirm = Type.Object(
  {
    windowSeconds: Type.Optional(
      Type.Integer({
        description: 'How long the host waits for our confirmation before it rolls back. Default 120',
        minimum: 5,
        maximum: 86_400
      })
    )
  },
  { ...closed, description: 'How a generation is confirmed' }
)

const Push = Type.Object(
  {
    checkSignatures: Type.Optional(
      Type.Boolean({
        description:
          'The host accepts only paths signed by a key that it trusts. false needs an ssh user whom Nix on the host trusts. Default true'
      })
    ),
    substituteOnHost: Type.Optional(
      Type.Boolean({
        description: 'The host fetches what it can from its own binary caches. Default false'
      })
    )
  },
  { ...closed, description: 'How closures travel to the host' }
)

const commonFields = {
  platform: Type.Optional(Type.Enum(['nixos', 'darwin'], { description: 'Kind of system. Default nixos' })),
  confirm: Type.Optional(Confirm),
  push: Type.Optional(Push),
  ...factFields
}

/** One host of the fleet file. */
export const HostEntry = Type.Object(
  {
    ...commonFields,
    soak: Type.Optional(SoakOverride),
    attribute: Type.Optional(
      Type.String({
        description:
          'Flake attribute that is built. Default nixosConfigurations.<host>.config.system.build.toplevel, or darwinConfigurations.<host>.system',
        minLength: 1,
        pattern: '^[^#\\s-][^#\\s]*$'
      })
    ),
    connection: Type.Optional(
      Type.Object(
        {
          ssh: Type.Optional(
            Type.Object(
              {
                host: Type.Optional(
                  Type.String({
                    description: 'Name or address that ssh connects to. Default the name of the host',
                    pattern: '^[A-Za-z0-9_:][A-Za-z0-9_.:%-]{0,252}$'
                  })
                ),
                ...sshFields
              },
              { ...closed, description: 'Connection through OpenSSH' }
            )
          ),
          ...connectionFields
        },
        { ...closed, description: 'How the controller reaches the agent of this host' }
      )
    ),
    homes: Type.Optional(HomeEntries),
    roles: Type.Optional(words('What the host does in the fleet')),
    tags: Type.Optional(words('Free words')),
    recipients: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 4200 }), {
        description:
          'Keys for which its secrets are encrypted: age1…, or the line of its ssh-ed25519 host key',
        maxItems: 10
      })
    ),
    ...ownFactFields
  },
  { ...closed, description: 'One host' }
)
export type HostEntry = Static<typeof HostEntry>

const Defaults = Type.Object(
  {
    ...commonFields,
    soak: Type.Optional(SoakDefaults),
    connection: Type.Optional(
      Type.Object(
        {
          ssh: Type.Optional(
            Type.Object(sshFields, { ...closed, description: 'Connection through OpenSSH' })
          ),
          ...connectionFields
        },
        { ...closed, description: 'How the controller reaches the agents' }
      )
    )
  },
  { ...closed, description: 'Values for every host that does not say otherwise' }
)

/** The fleet file, `fleet.yaml`. */
export const FleetFile = Type.Object(
  {
    version: Type.Literal(1, { description: 'Version of this format' }),
    flake: Type.Optional(
      Type.String({
        description: 'Flake with the systems: a path, counted from the fleet file, or a URL. Default .',
        minLength: 1,
        pattern: '^[^-#\\s][^#\\s]*$'
      })
    ),
    sources: Type.Optional(
      Type.Array(Type.Enum(['flake', 'clan']), {
        description: 'Where hosts are named besides this file: outputs of the flake, its clan inventory',
        uniqueItems: true
      })
    ),
    defaults: Type.Optional(Defaults),
    rollout: Type.Optional(RolloutPolicy),
    notify: Type.Optional(Notify),
    monitoring: Type.Optional(Monitoring),
    secrets: Type.Optional(SecretsPolicy),
    vars: Type.Optional(VarsPolicy),
    check: Type.Optional(CheckPolicy),
    caches: Type.Optional(Caches),
    hosts: Type.Optional(
      Type.Record(Type.String({ pattern: hostName }), HostEntry, {
        ...closed,
        description: 'The hosts by name; may be missing where sources name them',
        minProperties: 1,
        maxProperties: 10_000
      })
    )
  },
  {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Belay fleet file',
    ...closed,
    description: 'The hosts of a fleet, how to build them and how to reach them'
  }
)
export type FleetFile = Static<typeof FleetFile>
