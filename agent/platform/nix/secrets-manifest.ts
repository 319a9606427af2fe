import { createHash } from 'node:crypto'
import type { Sizes } from '../../preview/closure.ts'
import type { DeclaredSecret } from '../../preview/secrets.ts'
import { readManifest } from '../../preview/secrets.ts'
import { isManifestPath } from '../../secrets/manifest.ts'
import { readStoreFile } from './store-file.ts'

/** Bytes of a manifest, and of an encrypted file. */
const MAX_BYTES = 4 * 1024 * 1024

/**
 * The secrets that sops-nix would install, from the manifests in a closure. Their files are encrypted, and only compared
 * with each other: nothing of them is kept but a hash.
 */
export async function declaredSecrets(closure: Sizes): Promise<readonly DeclaredSecret[]> {
  const manifests = [...closure.keys()].filter(isManifestPath)
  const found: DeclaredSecret[] = []
  for (const path of manifests.sort()) {
    const text = await readStoreFile(path, MAX_BYTES)
    found.push(...((text === null ? null : readManifest(text)) ?? []))
  }
  const files = new Map<string, string>()
  for (const { file } of found) if (!files.has(file)) files.set(file, await fingerprint(file))
  return found.map((secret) => ({ ...secret, file: files.get(secret.file) ?? secret.file }))
}

/** By content: a file that only moved with its flake is the same. */
async function fingerprint(file: string): Promise<string> {
  const text = await readStoreFile(file, MAX_BYTES)
  return text === null ? file : createHash('sha256').update(text).digest('hex')
}
