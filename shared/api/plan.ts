import { createHash } from 'node:crypto'
import type { Static } from 'typebox'
import { Type } from 'typebox'
import { ProfileName } from './profile.ts'
import { RebootNeed } from './reboot.ts'
import { Nullable, StorePath } from './schemas.ts'

const closed = { additionalProperties: false } as const
const text = (description: string, options: object = {}) => Type.String({ description, ...options })
const count = (description: string) => Type.Integer({ minimum: 0, description })
const list = (description: string) => Type.Array(Type.String(), { description })

export const PreviewRequest = Type.Object(
  {
    storePath: text('Store path of the generation to look at', { maxLength: 1024 }),
    files: Type.Optional(Type.Boolean({ description: 'Give unified diffs of the files, secrets redacted' })),
    dryActivate: Type.Optional(
      Type.Boolean({
        description:
          "Also run the generation's own `dry-activate`, which is code of the candidate, as root; needs the role operate"
      })
    )
  },
  { $id: 'PreviewRequest', ...closed, description: 'What would an activation change? Changes nothing' }
)
export type PreviewRequest = Static<typeof PreviewRequest>

export const packageChanges = ['added', 'removed', 'upgraded', 'downgraded', 'changed', 'rebuilt'] as const

export const PackageChange = Type.Object(
  {
    name: text('Name without version and output, as `nix store diff-closures` splits it'),
    change: Type.Enum(packageChanges, {
      description:
        'changed: several versions, some newer and some older, or not comparable. rebuilt: the same versions in other store paths'
    }),
    before: list('Versions in the running closure; an empty text is a path without version'),
    after: list('Versions in the new closure'),
    bytesBefore: count('Size of all its paths in the running closure'),
    bytesAfter: count('Size of all its paths in the new closure')
  },
  { ...closed, description: 'A package that is not the same in both closures' }
)
export type PackageChange = Static<typeof PackageChange>

export const Closure = Type.Object(
  { paths: count('Store paths'), bytes: count('Sum of their sizes (NAR), in bytes') },
  { ...closed, description: 'A generation with all it needs' }
)
export type Closure = Static<typeof Closure>

export const unitActions = ['stop', 'start', 'restart', 'reload', 'keep', 'none'] as const
export type UnitAction = (typeof unitActions)[number]

export const ServiceChange = Type.Object(
  {
    unit: text('Name of the unit'),
    change: Type.Enum(['added', 'removed', 'changed', 'unchanged'], {
      description:
        'What becomes of its definition. unchanged: it is touched all the same, such as one that is wanted and does not run'
    }),
    action: Type.Enum(unitActions, {
      description:
        'What the activation does to it now. restart: stopped and started. keep: changed, and goes on as it was. none: changed, and nothing is done to it'
    }),
    whenRunning: Type.Enum(unitActions, {
      description:
        'What would be done to it were it running: by this, not by `action`, it is part of the hash'
    }),
    reason: text('Why, in words')
  },
  { ...closed, description: 'A unit that the activation touches, or whose definition changes' }
)
export type ServiceChange = Static<typeof ServiceChange>

export const FileChange = Type.Object(
  {
    path: text('Path below /etc; below the home for the plan of a home'),
    change: Type.Enum(['added', 'removed', 'changed'], { description: 'What becomes of it' }),
    diff: Nullable(
      text('Unified diff, where it was asked for; without lines for what is binary, a link, or redacted')
    ),
    note: Nullable(text('Why there is no diff or no whole one'))
  },
  { ...closed, description: 'A file that is not the same in both generations' }
)
export type FileChange = Static<typeof FileChange>

export const SecretChange = Type.Object(
  {
    name: text('Name of the secret'),
    change: Type.Enum(['added', 'removed', 'changed'], { description: 'What becomes of it' }),
    what: list('What changes of it: names of settings, or `encrypted file`; never contents'),
    units: list('Units that its activation restarts or reloads when its content changes')
  },
  { ...closed, description: 'A secret of sops-nix that is not declared the same in both generations' }
)
export type SecretChange = Static<typeof SecretChange>

export const NotCovered = Type.Object(
  {
    code: Type.Enum(['data', 'kernel', 'secrets', 'homebrew', 'defaults', 'machine'], {
      description: 'Closed code'
    }),
    text: text('What a rollback will not bring back')
  },
  { ...closed, description: 'A limit of the rollback for this plan' }
)
export type NotCovered = Static<typeof NotCovered>

const NameChange = Type.Object(
  {
    name: text('What it is'),
    change: Type.Enum(['added', 'removed', 'changed'], { description: 'What becomes of it' })
  },
  { ...closed, description: 'A thing that is not the same in both generations' }
)
export type NameChange = Static<typeof NameChange>

export const MacChanges = Type.Object(
  {
    applications: Type.Array(NameChange, {
      description: 'Bundles that are copied to /Applications/Nix Apps'
    }),
    defaults: Type.Array(NameChange, { description: 'Settings that are written: domain and key' })
  },
  { ...closed, description: 'What an activation of nix-darwin changes besides' }
)
export type MacChanges = Static<typeof MacChanges>

export const DryActivation = Type.Object(
  {
    stop: list('Units it would stop'),
    start: list('Units it would start'),
    restart: list('Units it would restart'),
    reload: list('Units it would reload'),
    keep: list('Changed units it would neither restart nor stop'),
    other: list('Everything else that it said')
  },
  { ...closed, description: "What the generation's own `dry-activate` said" }
)
export type DryActivation = Static<typeof DryActivation>

export const Plan = Type.Object(
  {
    hash: text('SHA-256 of what matters to one who approves, in hex', { pattern: '^[0-9a-f]{64}$' }),
    host: text('Host name'),
    profile: ProfileName,
    from: StorePath,
    to: StorePath,
    at: text('When it was made, RFC 3339'),
    closure: Type.Object(
      { before: Closure, after: Closure, added: count('New paths'), removed: count('Paths left out') },
      { ...closed, description: 'The closures as a whole' }
    ),
    packages: Type.Array(PackageChange, { description: 'By name' }),
    services: Type.Array(ServiceChange, { description: 'By name' }),
    files: Type.Array(FileChange, { description: 'By path' }),
    reboot: RebootNeed,
    secrets: Type.Array(SecretChange, { description: 'By name' }),
    notCovered: Type.Array(NotCovered, { description: 'What a rollback will not bring back' }),
    dryActivation: Nullable(DryActivation),
    contents: Type.Optional(
      text(
        'SHA-256 over the path and the content (its NAR hash) of everything in the new closure; older agents give none',
        { pattern: '^[0-9a-f]{64}$' }
      )
    ),
    macos: Type.Optional(MacChanges)
  },
  { $id: 'Plan', ...closed, description: 'What an activation would change' }
)
export type Plan = Static<typeof Plan>

/**
 * The hash of what matters to one who approves. Sizes, times, diffs and the dry activation do not count, nor which units
 * run at this moment: a timer's service that happens to run must not make an approval stale. `from` and `to` are in it,
 * so two plans of one hash do the same to the same system.
 */
export function planHash(plan: Omit<Plan, 'hash'>): string {
  const { host, profile, from, to, reboot, notCovered } = plan
  const packages = plan.packages.map(({ name, change, before, after }) => ({ name, change, before, after }))
  const services = plan.services
    .filter(({ unit, change }) => change !== 'unchanged' && !isInstance(unit))
    .map(({ unit, change, whenRunning }) => ({ unit, change, whenRunning }))
  const files = plan.files.map(({ path, change }) => ({ path, change }))
  const secrets = plan.secrets.map(({ name, change, what, units }) => ({ name, change, what, units }))
  const matters = {
    ...{ version: 1, host, profile, from, to, packages, services, files, reboot, secrets },
    notCovered: notCovered.map(({ code }) => code),
    ...(plan.contents === undefined ? {} : { contents: plan.contents }),
    ...(plan.macos === undefined ? {} : { macos: plan.macos })
  }
  return createHash('sha256').update(canonicalJson(matters)).digest('hex')
}

/** Instances of templates exist only while something uses them. */
const isInstance = (unit: string) => /@[^.]/.test(unit)

/** JSON with the keys of every object in order of their code units, and no white space. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonicalJson(each)}`).join()}}`
}
