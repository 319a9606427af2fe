import { BelayError } from '../errors.ts'
import { bech32Decode, bech32Encode } from './bech32.ts'

/** The prime of Curve25519. */
const P = 2n ** 255n - 19n
const KEY_BYTES = 32

/**
 * The age recipient of an ssh-ed25519 public key, as sops-nix and ssh-to-age make it: the point on the Edwards curve
 * becomes one on the Montgomery curve, u = (1 + y) / (1 - y). Only public values go through here.
 * Throws `invalid-request` for what is no such key.
 */
export function recipientOfSshKey(line: string): string {
  const [kind, body = ''] = line.trim().split(/\s+/)
  if (kind !== 'ssh-ed25519') throw wrongKey(line)
  const blob = Buffer.from(body, 'base64')
  const name = Buffer.from(`\0\0\0\u000b${kind}\0\0\0 `, 'latin1')
  if (blob.length !== name.length + KEY_BYTES || !blob.subarray(0, name.length).equals(name))
    throw wrongKey(line)
  const key = blob.subarray(name.length)
  const y = littleEndian(key) & (2n ** 255n - 1n)
  if (y >= P || y === 1n) throw wrongKey(line)
  const u = ((1n + y) * power(1n - y + P, P - 2n)) % P
  return bech32Encode('age', bytesOf(u))
}

/** A recipient as sops files name it: an X25519 key with a right checksum, or one of a plugin. */
export function isRecipient(text: string): boolean {
  if (/^age1[a-z0-9]+1[a-z0-9]{6,4000}$/.test(text)) return true
  const decoded = bech32Decode(text)
  return decoded?.prefix === 'age' && decoded.bytes.length === KEY_BYTES && text.startsWith('age1')
}

/** A private key of age, told from a text that only looks like one by its checksum. */
export function isAgeSecretKey(text: string): boolean {
  const decoded = bech32Decode(text)
  return decoded?.prefix === 'age-secret-key-' && decoded.bytes.length === KEY_BYTES
}

/** A recipient from what people write down: itself, or the line of an ssh host key. Throws `invalid-request`. */
export function recipientOf(text: string): string {
  const trimmed = text.trim()
  if (!trimmed.startsWith('age1')) return recipientOfSshKey(trimmed)
  if (isRecipient(trimmed)) return trimmed
  throw wrongKey(text)
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
}

function bytesOf(value: bigint): Uint8Array {
  return Buffer.from(value.toString(16).padStart(KEY_BYTES * 2, '0'), 'hex').reverse()
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  let square = base % P
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P
    square = (square * square) % P
  }
  return result
}

function wrongKey(text: string): BelayError {
  const wanted = 'age1…, or the line of an ssh-ed25519 public key'
  // Whoever gave the private half by mistake must not read it in a log.
  const found = `${text.trim().slice(0, 11)}…`
  return new BelayError('invalid-request', `no recipient of age: ${JSON.stringify(found)}`, { found, wanted })
}
