/** Bech32 as age uses it: BIP 173 without its limit of 90 characters. Works on public and private texts alike. */
const CHARSET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3] as const
const CHECKSUM = 6

/** The text of some bytes below a human-readable part. */
export function bech32Encode(prefix: string, bytes: Uint8Array): string {
  const words = regroup([...bytes], 8, 5, true)
  const check = polymod([...expand(prefix), ...words, 0, 0, 0, 0, 0, 0]) ^ 1
  const sum = Array.from({ length: CHECKSUM }, (_, i) => (check >> (5 * (5 - i))) & 31)
  return `${prefix}1${[...words, ...sum].map((word) => CHARSET[word]).join('')}`
}

/** Prefix and bytes of a text with a right checksum, in one case; null for any other. */
export function bech32Decode(text: string): { readonly prefix: string; readonly bytes: Uint8Array } | null {
  const lower = text.toLowerCase()
  if (text !== lower && text !== text.toUpperCase()) return null
  const at = lower.lastIndexOf('1')
  if (at < 1 || lower.length - at - 1 < CHECKSUM || lower.length > 4096) return null
  const prefix = lower.slice(0, at)
  const words = [...lower.slice(at + 1)].map((letter) => CHARSET.indexOf(letter))
  if (words.includes(-1) || polymod([...expand(prefix), ...words]) !== 1) return null
  const bytes = regroup(words.slice(0, -CHECKSUM), 5, 8, false)
  return bytes.length === 0 ? null : { prefix, bytes: Uint8Array.from(bytes) }
}

function expand(prefix: string): number[] {
  const codes = [...prefix].map((letter) => letter.charCodeAt(0))
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)]
}

function polymod(words: readonly number[]): number {
  return words.reduce((sum, word) => {
    const top = sum >>> 25
    const next = ((sum & 0x1ffffff) << 5) ^ word
    return GENERATOR.reduce((value, part, i) => ((top >> i) & 1 ? value ^ part : value), next)
  }, 1)
}

/** Empty where what is left over is not padding. */
function regroup(words: readonly number[], from: number, to: number, pad: boolean): number[] {
  const out: number[] = []
  let value = 0
  let bits = 0
  for (const word of words) {
    value = ((value << from) | word) & 0xfff
    bits += from
    while (bits >= to) {
      bits -= to
      out.push((value >> bits) & ((1 << to) - 1))
    }
  }
  const rest = (value << (to - bits)) & ((1 << to) - 1)
  if (pad) return bits > 0 ? [...out, rest] : out
  return bits < from && rest === 0 ? out : []
}
