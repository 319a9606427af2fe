import type { PackageChange, Plan } from '../../shared/api/plan.ts'
import { compareVersions, splitName } from './package-name.ts'

/** Sizes of the paths of a closure, in bytes. */
export type Sizes = ReadonlyMap<string, number>

/** Totals of both closures, and what goes and comes between them. */
export function closureTotals(before: Sizes, after: Sizes): Plan['closure'] {
  const total = (sizes: Sizes) => ({
    paths: sizes.size,
    bytes: sizes.values().reduce((sum, size) => sum + size, 0)
  })
  const without = (some: Sizes, others: Sizes) =>
    some.keys().reduce((count, path) => count + (others.has(path) ? 0 : 1), 0)
  return {
    before: total(before),
    after: total(after),
    added: without(after, before),
    removed: without(before, after)
  }
}

interface Group {
  readonly versions: Set<string>
  readonly paths: Set<string>
  bytes: number
}

/** The packages that differ between two closures, by name. */
export function packageChanges(before: Sizes, after: Sizes): PackageChange[] {
  const [old, now] = [groups(before), groups(after)]
  const changes: PackageChange[] = []
  for (const name of [...new Set([...old.keys(), ...now.keys()])].sort()) {
    const [was, is] = [old.get(name) ?? empty, now.get(name) ?? empty]
    if (was.paths.symmetricDifference(is.paths).size === 0) continue
    changes.push({
      name,
      change: changeOf(was, is),
      before: [...was.versions].sort(),
      after: [...is.versions].sort(),
      bytesBefore: was.bytes,
      bytesAfter: is.bytes
    })
  }
  return changes
}

const empty: Group = { versions: new Set(), paths: new Set(), bytes: 0 }
/** `/nix/store/`, 32 characters of hash, a dash. */
const NAME_AT = '/nix/store/'.length + 33

function groups(sizes: Sizes): ReadonlyMap<string, Group> {
  const found = new Map<string, Group>()
  for (const [path, size] of sizes) {
    const { name, version } = splitName(path.slice(NAME_AT))
    const group = found.get(name) ?? { versions: new Set(), paths: new Set(), bytes: 0 }
    group.versions.add(version)
    group.paths.add(path)
    group.bytes += size
    found.set(name, group)
  }
  return found
}

/** By the versions that go and those that come; what both have says nothing. */
function changeOf(was: Group, is: Group): PackageChange['change'] {
  if (was.versions.size === 0) return 'added'
  if (is.versions.size === 0) return 'removed'
  const gone = [...was.versions.difference(is.versions)]
  const come = [...is.versions.difference(was.versions)]
  if (gone.length === 0 && come.length === 0) return 'rebuilt'
  if (gone.length === 0 || come.length === 0) return 'changed'
  const orders = new Set(gone.flatMap((a) => come.map((b) => compareVersions(a, b))))
  if (orders.size > 1) return 'changed'
  return orders.has(-1) ? 'upgraded' : orders.has(1) ? 'downgraded' : 'changed'
}
