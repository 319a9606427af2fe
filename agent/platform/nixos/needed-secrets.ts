import { mustRun } from '../../../shared/command.ts'
import { MAX_SOPS_BYTES, readSops } from '../../../shared/secrets/sops.ts'
import type { Needed, NeededFile } from '../../secrets/decryptable.ts'
import type { Run } from '../../secrets/identities.ts'
import { identitiesOf } from '../../secrets/identities.ts'
import type { Manifest } from '../../secrets/manifest.ts'
import { isManifestPath, parseManifest } from '../../secrets/manifest.ts'
import { readStoreFile } from '../nix/store-file.ts'

/** What is needed from outside. */
export interface NeededPorts {
  readonly run: Run
  readonly exists: (path: string) => Promise<boolean>
  readonly signal: AbortSignal
  /** Those of a home, which its user installs, or those of a system; a system has those of homes in it as well. */
  readonly ofUser: boolean
}

/** The command that names every path of a generation's closure. */
export const closureCommand = (storePath: string) => ['nix-store', '--query', '--requisites', storePath]

/** What the manifests among the paths of a closure want. */
export async function readManifests(paths: readonly string[]): Promise<readonly Manifest[]> {
  const found: Manifest[] = []
  for (const path of paths.filter(isManifestPath).sort()) {
    const text = await readStoreFile(path, MAX_SOPS_BYTES)
    const manifest = text === null ? null : parseManifest(text)
    if (manifest !== null) found.push(manifest)
  }
  return found
}

/** The encrypted files that a generation needs, with the keys that this host has. */
export async function readNeeded(storePath: string, ports: NeededPorts): Promise<readonly Needed[]> {
  const limits = { timeoutMs: 30_000, maxOutput: 32 * 1024 * 1024, signal: ports.signal }
  const { stdout } = await mustRun(closureCommand(storePath), limits)
  const all = await readManifests(stdout.split('\n'))
  const manifests = all.filter(({ secrets, ofUser }) => secrets.length > 0 && ofUser === ports.ofUser)
  const needed: Needed[] = []
  for (const manifest of manifests) {
    const files = await filesOf(manifest)
    const identities = await identitiesOf(manifest, ports.run, ports.exists, ports.signal)
    needed.push({ files, identities, templates: manifest.templates.length })
  }
  return needed
}

async function filesOf({ secrets }: Manifest): Promise<readonly NeededFile[]> {
  const byFile = Map.groupBy(secrets, ({ sopsFile }) => sopsFile)
  const files: NeededFile[] = []
  for (const [path, inIt] of byFile) {
    const text = await readStoreFile(path, MAX_SOPS_BYTES)
    const format = inIt[0]?.format ?? 'yaml'
    const sops = text === null ? null : await readSops(text, format)
    files.push({ path, secrets: inIt.map(({ name }) => name), sops })
  }
  return files
}
