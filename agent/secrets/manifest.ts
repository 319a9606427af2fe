import type { SopsFormat } from '../../shared/secrets/sops.ts'
import { sopsFormats } from '../../shared/secrets/sops.ts'

/** A file that a manifest of sops-nix wants in place. */
export interface WantedFile {
  readonly name: string
  /** Where it is to be. */
  readonly path: string
  readonly owner: string | null
  readonly group: string | null
  readonly mode: string | null
}

/** One secret that is decrypted into its file. */
export interface WantedSecret extends WantedFile {
  /** Its encrypted file. */
  readonly sopsFile: string
  readonly format: SopsFormat
}

/** A manifest of sops-nix: what is installed, and with which keys. Contents of secrets are not in it. */
export interface Manifest {
  readonly secretsMountPoint: string
  readonly ageKeyFile: string | null
  readonly ageSshKeyPaths: readonly string[]
  /** The entries as they are, for comparisons. */
  readonly entries: readonly Readonly<Record<string, unknown>>[]
  readonly secrets: readonly WantedSecret[]
  /** Files that are rendered with secrets of this manifest; their text without them is plain, in the store. */
  readonly templates: readonly WantedFile[]
  /** Of a home: its user installs them, with keys of the user. */
  readonly ofUser: boolean
}

/** Names that a manifest may have in the store: `manifest.json`, `manifest-for-users.json`. */
export const isManifestPath = (path: string): boolean => /-manifest[a-z-]*\.json$/.test(path)

/** Reads a manifest; null for what is none. */
export function parseManifest(json: string): Manifest | null {
  let manifest: unknown
  try {
    manifest = JSON.parse(json)
  } catch {
    return null
  }
  if (!isObject(manifest) || !Array.isArray(manifest.secrets) || typeof manifest.symlinkPath !== 'string')
    return null
  const named = (value: unknown) =>
    (Array.isArray(value) ? value : []).filter(isObject).filter((each) => typeof each.name === 'string')
  const entries = named(manifest.secrets)
  const { symlinkPath } = manifest
  return {
    secretsMountPoint: textOf(manifest.secretsMountPoint) ?? '/run/secrets.d',
    ageKeyFile: textOf(manifest.ageKeyFile),
    ageSshKeyPaths: names(manifest.ageSshKeyPaths),
    entries,
    secrets: entries.map((each) => wantedSecret(each, symlinkPath)),
    templates: named(manifest.templates).map((each) => wantedFile(each, `${symlinkPath}/rendered`)),
    ofUser: manifest.userMode === true
  }
}

function wantedSecret(each: Readonly<Record<string, unknown>>, directory: string): WantedSecret {
  const format = sopsFormats.find((known) => known === each.format) ?? 'yaml'
  return { ...wantedFile(each, directory), sopsFile: String(each.sopsFile), format }
}

function wantedFile(each: Readonly<Record<string, unknown>>, directory: string): WantedFile {
  const name = String(each.name)
  // An owner may be named or numbered; a name counts before a number, as with sops-nix.
  const who = (name: unknown, number: unknown) =>
    textOf(name) ?? (typeof number === 'number' ? String(number) : null)
  return {
    name,
    path: textOf(each.path) ?? `${directory}/${name}`,
    owner: who(each.owner, each.uid),
    group: who(each.group, each.gid),
    mode: typeof each.mode === 'string' && /^[0-7]{3,4}$/.test(each.mode) ? each.mode : null
  }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
/** The texts in a list. */
export const names = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null)
