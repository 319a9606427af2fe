import type { SopsFile } from '../../shared/secrets/sops.ts'
import { opens, recipientsOf } from '../../shared/secrets/sops.ts'
import type { Identities } from './identities.ts'

/** One encrypted file that a generation needs. */
export interface NeededFile {
  readonly path: string
  /** Names of the secrets in it. */
  readonly secrets: readonly string[]
  /** What it says of itself; null where it is no file of sops, or cannot be read. */
  readonly sops: SopsFile | null
}

/** What a generation needs, and what this host has, for one manifest. */
export interface Needed {
  readonly files: readonly NeededFile[]
  readonly identities: Identities
  /** Files that are rendered with these secrets. */
  readonly templates: number
}

/** What was found for all files of a generation. */
export interface Decryptable {
  readonly files: number
  readonly secrets: number
  readonly templates: number
  /** What the host cannot decrypt, with whom it is for. */
  readonly closed: readonly string[]
  /** What nobody can tell, and why. */
  readonly untold: readonly string[]
  /** The recipients that this host has. */
  readonly own: readonly string[]
}

/** Judges what a host with these keys can decrypt. */
export function decryptable(all: readonly Needed[]): Decryptable {
  const closed: string[] = []
  const untold: string[] = []
  for (const { files, identities } of all) {
    const own = identities.own.map(({ recipient }) => recipient)
    for (const file of files) {
      const opened = file.sops === null ? null : opens(file.sops, own)
      if (opened === true) continue
      const name = nameOf(file)
      if (file.sops === null) untold.push(`${name} is no file of sops, or cannot be read`)
      else if (opened === null) untold.push(`${name} is for ${file.sops.others.join(', ')}`)
      else if (identities.untold.length > 0)
        untold.push(`${name}: the public half of ${identities.untold[0]} is unknown`)
      else closed.push(`${name} is for ${shortly(recipientsOf(file.sops))}`)
    }
  }
  const files = all.flatMap((each) => each.files)
  return {
    files: files.length,
    secrets: files.reduce((sum, { secrets }) => sum + secrets.length, 0),
    templates: all.reduce((sum, { templates }) => sum + templates, 0),
    closed,
    untold,
    own: [...new Set(all.flatMap(({ identities }) => ownOf(identities)))]
  }
}

const ownOf = ({ own, missing }: Identities) => [
  ...own.map(({ recipient, from }) => `${recipient} (${from})`),
  ...missing.map((path) => `no ${path}`)
]

const nameOf = ({ path, secrets }: NeededFile) => {
  const more = secrets.length > 2 ? ` and ${secrets.length - 2} more` : ''
  return `${secrets.slice(0, 2).join(', ')}${more} in ${path.replace(/^\/nix\/store\/[^/]{20,}?-/, '')}`
}

/** A recipient is told by its beginning; the whole of each would fill the line. */
function shortly(recipients: readonly string[]): string {
  if (recipients.length === 0) return 'nobody'
  const more = recipients.length > 3 ? ` and ${recipients.length - 3} more` : ''
  return (
    recipients
      .slice(0, 3)
      .map((each) => `${each.slice(0, 16)}…`)
      .join(', ') + more
  )
}
