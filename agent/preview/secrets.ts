import type { SecretChange } from '../../shared/api/plan.ts'
import { names, parseManifest } from '../secrets/manifest.ts'

/** A secret as a manifest of sops-nix declares it. Contents are not in it. */
export interface DeclaredSecret {
  readonly name: string
  /** Settings that count, as text, by name. */
  readonly settings: Readonly<Record<string, string>>
  /** Its encrypted file, or what tells it from another. */
  readonly file: string
  readonly units: readonly string[]
}

/** Settings of which a difference is worth a word. Source: sops-nix, sops-install-secrets. */
const COUNTED = ['path', 'owner', 'group', 'uid', 'gid', 'mode', 'key', 'format'] as const

/** Reads a manifest; null for what is none. */
export function readManifest(json: string): DeclaredSecret[] | null {
  const entries = parseManifest(json)?.entries
  return (
    entries?.map((each) => {
      const counted = COUNTED.filter((key) => each[key] !== undefined && each[key] !== null)
      const settings = Object.fromEntries(counted.map((key) => [key, JSON.stringify(each[key])]))
      const units = [...names(each.restartUnits), ...names(each.reloadUnits)].sort()
      return { name: String(each.name), settings, file: String(each.sopsFile), units }
    }) ?? null
  )
}

/** The secrets that are not declared the same, by name. */
export function secretChanges(
  before: readonly DeclaredSecret[],
  after: readonly DeclaredSecret[]
): SecretChange[] {
  const [old, now] = [before, after].map((all) => new Map(all.map((each) => [each.name, each])))
  const all = [...new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])])].sort()
  return all.flatMap((name): SecretChange[] => {
    const [was, is] = [old?.get(name), now?.get(name)]
    if (!was) return [{ name, change: 'added', what: [], units: [...(is?.units ?? [])] }]
    if (!is) return [{ name, change: 'removed', what: [], units: [...was.units] }]
    const what: string[] = COUNTED.filter((key) => was.settings[key] !== is.settings[key])
    if (was.file !== is.file) what.push('encrypted file')
    return what.length === 0 ? [] : [{ name, change: 'changed', what, units: [...is.units] }]
  })
}
