import { mustRun } from '../shared/command.ts'

interface Component {
  readonly 'bom-ref': string
  readonly name: string
  readonly version: string
  readonly properties?: readonly { readonly name: string }[]
  readonly hashes?: readonly object[]
  readonly licenses?: readonly object[]
}

/** A software bill of materials, as far as it is changed here. */
export interface Bill {
  readonly metadata: { readonly component: Component }
  readonly components: readonly Component[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[]
}

const ofAll = [
  'npm',
  'sbom',
  '--sbom-format',
  'cyclonedx',
  '--sbom-type',
  'application',
  '--package-lock-only'
]

/**
 * What is shipped, by the lock file, in CycloneDX. Not by `--omit dev` of npm, which leaves out what a tool needs as well
 * (`yaml`, `semver`, …).
 */
export async function billOfMaterials(name: string): Promise<Bill> {
  const all = JSON.parse((await mustRun(ofAll, { timeoutMs: 120_000 })).stdout) as Bill
  const isDev = ({ properties = [] }: Component) =>
    properties.some((property) => property.name === 'cdx:npm:package:development')
  const components = all.components.filter((component) => !isDev(component))
  const kept = new Set([...components, all.metadata.component].map((component) => component['bom-ref']))
  const dependencies = all.dependencies
    .filter(({ ref }) => kept.has(ref))
    .map((each) => ({ ...each, dependsOn: each.dependsOn.filter((ref) => kept.has(ref)) }))
  // npm calls it as the folder is called.
  const metadata = { ...all.metadata, component: { ...all.metadata.component, name } }
  return { ...all, metadata, components, dependencies }
}
