import { createPublicKey, verify } from 'node:crypto'
import { BelayError } from '../../shared/errors.ts'

/** What Nix signs of a store path. */
export interface SignedPath {
  readonly storePath: string
  /** As `nix-store --query --hash` has it: `sha256:` and 52 digits in Nix's base 32. */
  readonly narHash: string
  readonly narSize: number
  readonly references: readonly string[]
}

const NAR_HASH = /^sha256:[0-9abcdfghijklmnpqrsvwxyz]{52}$/
const SIGNATURE = /^([A-Za-z0-9._-]+):([A-Za-z0-9+/]{86}==)$/
const PUBLIC_KEY = /^([A-Za-z0-9._-]+):([A-Za-z0-9+/]{43}=)$/

/** The text that Nix signs: content, size and all that it refers to, so that a signature binds the whole closure. */
export function fingerprint({ storePath, narHash, narSize, references }: SignedPath): string {
  if (!NAR_HASH.test(narHash) || !Number.isSafeInteger(narSize))
    throw new BelayError('command-failed', `Nix tells no SHA-256 of ${storePath}`, {
      found: `${narHash}, ${narSize} bytes`,
      wanted: 'sha256: and a size'
    })
  return `1;${storePath};${narHash};${narSize};${[...references].sort().join(',')}`
}

/** Names of the keys of a list, as in nix.conf, that have signed a path, each once. */
export function signedBy(
  path: SignedPath,
  signatures: readonly string[],
  publicKeys: readonly string[]
): readonly string[] {
  const text = Buffer.from(fingerprint(path))
  return publicKeys.flatMap((publicKey) => {
    const [, name, bytes] = PUBLIC_KEY.exec(publicKey) ?? []
    if (name === undefined || bytes === undefined) return []
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(bytes, 'base64').toString('base64url') }
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    const good = signatures.some((signature) => {
      const [, by, sig] = SIGNATURE.exec(signature) ?? []
      return by === name && sig !== undefined && verify(null, text, key, Buffer.from(sig, 'base64'))
    })
    return good ? [name] : []
  })
}

/** The signatures in the line that `nix path-info --sigs` prints of a path, among other words. */
export function signaturesIn(line: string): readonly string[] {
  return line.split(/\s+/).filter((word) => SIGNATURE.test(word))
}
