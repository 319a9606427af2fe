import type { Static } from 'typebox'
import { Type } from 'typebox'
import { leakKinds } from '../leaks/kinds.ts'
import { Gate, Selector } from './rollout-schema.ts'
import { because, closed, Duration, word } from './words.ts'

/** A folder below the flake. */
const folder = '^(?!/)(?!.*(^|/)\\.\\.(/|$))[^\\u0000-\\u001f]+$'

const Allowed = Type.Object(
  {
    path: Type.String({
      description:
        'Which files: the name of a store path without its hash, and the path in it; * stands for anything',
      minLength: 1,
      maxLength: 500
    }),
    kind: Type.Optional(Type.Enum(leakKinds, { description: 'Only this kind. Default every kind' })),
    reason: because('Why that is no leak')
  },
  { ...closed, description: 'What looks like a secret and is none' }
)

/** What the fleet file says of secrets. */
export const SecretsPolicy = Type.Object(
  {
    directories: Type.Optional(
      Type.Array(Type.String({ pattern: folder, maxLength: 300 }), {
        description: 'Folders below the flake in which every file is to be encrypted by sops',
        maxItems: 50,
        uniqueItems: true
      })
    ),
    scan: Type.Optional(
      Type.Enum(['refuse', 'warn', 'off'], {
        description:
          'What a secret found in a closure does to a push, a deployment or a cache push. Default refuse'
      })
    ),
    publicKeys: Type.Optional(
      Type.Array(Type.String({ pattern: word }), {
        description:
          'Names of keys whose signature says that a path is public already, and is not scanned. Default [cache.nixos.org-1]',
        uniqueItems: true
      })
    ),
    allow: Type.Optional(Type.Array(Allowed, { description: 'What is no leak, and why', maxItems: 500 }))
  },
  { ...closed, description: 'Secrets: where they are kept, and what is looked for in closures' }
)
export type SecretsPolicy = Static<typeof SecretsPolicy>
export type Allowed = Static<typeof Allowed>

/** What the fleet file says of `belay check`. */
export const CheckPolicy = Type.Object(
  {
    flake: Type.Optional(Type.Boolean({ description: 'Also run nix flake check. Default true' })),
    linters: Type.Optional(
      Type.Array(Gate, { description: 'Programs that must end with 0, run beside the flake', maxItems: 50 })
    )
  },
  { ...closed, description: 'What belay check does besides evaluating and building' }
)
export type CheckPolicy = Static<typeof CheckPolicy>

/** What the fleet file says of secrets that travel beside a generation. */
export const VarsPolicy = Type.Object(
  {
    upload: Type.Boolean({
      description: 'Upload the secrets of a host behind its closure and before it is activated'
    }),
    select: Type.Optional(Selector),
    command: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 1000 }), {
        description:
          'Program that uploads, run in the folder of the flake without a terminal; {host} is the host. Default [clan, vars, upload, "{host}"]',
        minItems: 1,
        maxItems: 50
      })
    ),
    timeout: Type.Optional(Duration('After which the upload has failed. Default 5m'))
  },
  { ...closed, description: 'Secrets that are uploaded before an activation' }
)
export type VarsPolicy = Static<typeof VarsPolicy>

/** One binary cache to push to. */
export const Cache = Type.Object(
  {
    kind: Type.Optional(
      Type.Enum(['nix', 'cachix', 'attic', 'niks3'], {
        description: 'How it is pushed to: nix copy, or the program of that name. Default nix'
      })
    ),
    url: Type.Optional(
      Type.String({
        description:
          'Store URL, such as s3://bucket, ssh-ng://host, file:///srv/cache; where it is asked too',
        pattern: '^(file|s3|ssh-ng|ssh|https?)://[^\\s]+$',
        maxLength: 1000
      })
    ),
    name: Type.Optional(
      Type.String({ description: 'Name of the cache for cachix and attic', pattern: word })
    ),
    keyFile: Type.Optional(
      Type.String({
        description: 'Private key that signs every path first; a relative path counts from the fleet file',
        minLength: 1,
        pattern: '^[^-]'
      })
    )
  },
  { ...closed, description: 'A binary cache' }
)
export type Cache = Static<typeof Cache>

/** The binary caches by name. */
export const Caches = Type.Record(Type.String({ pattern: word }), Cache, {
  ...closed,
  description: 'Binary caches by name',
  maxProperties: 20
})
export type Caches = Static<typeof Caches>
