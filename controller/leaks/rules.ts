import { createPrivateKey, createPublicKey } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { isAgeSecretKey } from '../../shared/secrets/age.ts'
import type { LeakKind } from './kinds.ts'

/** Raised with every change of rule or scan: what was found clean by older ones is looked at again. */
export const RULES_VERSION = 2

/** Bytes before a row that a rule may look at. */
export const BEFORE = 200

/** A row of letters, and what stands before it. */
export interface Run {
  readonly text: string
  readonly before: string
}

/** Something in a row, from so many letters on; `sops` asks for a look at the whole file. */
export interface Hit {
  readonly kind: LeakKind | 'sops'
  readonly offset: number
}

type Rule = (run: Run) => Hit | null

/**
 * What the scan knows. Each rule wants the exact form, and a checksum where the maker gave it one: a scan that cries wolf
 * is turned off. `agent/preview/redact.ts` is the other way round, and hides too much.
 */
const rules: readonly Rule[] = [ageKey, privateKey, signingKey, passwordHash, checkedToken, token, sops]

/** What is in a row; the first rule that finds something. */
export function judgeRun(run: Run): Hit | null {
  for (const rule of rules) {
    const hit = rule(run)
    if (hit !== null) return hit
  }
  return null
}

function ageKey({ text }: Run): Hit | null {
  const at = text.search(/AGE-SECRET-KEY-1/i)
  if (at < 0) return null
  const [key = ''] = /^[A-Z0-9-]+/i.exec(text.slice(at)) ?? []
  return isAgeSecretKey(key) ? { kind: 'age-key', offset: at } : null
}

/** A header with the body of a key behind it: programs have the header alone, and manuals some words. */
function privateKey({ text, before }: Run): Hit | null {
  const header = before.lastIndexOf('PRIVATE KEY')
  if (header < 0) return null
  const between = before.slice(header)
  const plain = /^PRIVATE KEY(?: BLOCK)?-----(?:\\r)?(?:\\|[\s"+,']|\\\\)*$/.test(between)
  const legacy = /^PRIVATE KEY-----\s+Proc-Type: 4,ENCRYPTED\s+DEK-Info: [A-Z0-9-]+,[0-9A-F]+\s*$/.test(
    between
  )
  if (!plain && !legacy) return null
  // The n of an escaped line end is a letter as well.
  const body = between.endsWith('\\') ? text.replace(/^n/, '') : text
  const [line = ''] = /^[A-Za-z0-9+/=]+/.exec(body) ?? []
  const looks = legacy || /^(?:M[A-P]|b3BlbnNzaC1rZXktdjE|[lx][A-Z])/.test(line)
  return line.length >= 60 && looks ? { kind: 'private-key', offset: 0 } : null
}

/** Of a signature, which looks the same, the second half is no public key of the first. */
function signingKey({ text, before }: Run): Hit | null {
  if (text.length !== 88 || !text.endsWith('==') || !/[A-Za-z0-9._-]:$/.test(before)) return null
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length !== 64 || !/^[A-Za-z0-9+/]{86}==$/.test(text)) return null
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), bytes.subarray(0, 32)])
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
  const own = key.export({ format: 'der', type: 'spki' }).subarray(-32)
  return own.equals(bytes.subarray(32)) ? { kind: 'nix-signing-key', offset: 0 } : null
}

const hashes =
  /\$(?:6\$(?:rounds=\d{1,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{86}|5\$(?:rounds=\d{1,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43}|g?y\$[./A-Za-z0-9]{1,12}\$[./A-Za-z0-9]{1,86}\$[./A-Za-z0-9]{43}|7\$[./A-Za-z0-9]{11,97}\$[./A-Za-z0-9]{43}|2[abxy]\$\d\d\$[./A-Za-z0-9]{53}|1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22})(?![./A-Za-z0-9$])/

function passwordHash({ text }: Run): Hit | null {
  if (!text.includes('$')) return null
  const at = text.search(hashes)
  return at < 0 ? null : { kind: 'password-hash', offset: at }
}

/** Tokens of GitHub and npm end with a checksum of what is before. */
function checkedToken({ text }: Run): Hit | null {
  for (const { 0: whole, 1: body = '', 2: sum = '', index } of text.matchAll(
    /(?<![A-Za-z0-9])(?:gh[pousr]|npm)_([A-Za-z0-9]{30})([A-Za-z0-9]{6})(?![A-Za-z0-9])/g
  )) {
    if (whole !== '' && base62(crc32(body)) === sum) return { kind: 'token', offset: index }
  }
  return null
}

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

function base62(value: number): string {
  let text = ''
  for (let rest = value; rest > 0; rest = Math.floor(rest / 62)) text = `${DIGITS[rest % 62]}${text}`
  return text.padStart(6, '0')
}

const tokens =
  /(?<![A-Za-z0-9_])(?:github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}|glpat-(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{20,27}|xox[bp]-\d{10,13}-\d{10,13}-[A-Za-z0-9-]{24,}|[sr]k_live_[A-Za-z0-9]{24,99}|tskey-[a-z]{3,12}-[A-Za-z0-9]{11,16}CNTRL-[A-Za-z0-9]{20,40}|SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}|dop_v1_[0-9a-f]{64})(?![A-Za-z0-9_])/

function token({ text }: Run): Hit | null {
  const at = text.search(tokens)
  return at < 0 ? null : { kind: 'token', offset: at }
}

/** A value that sops has encrypted: others beside it may not be. */
function sops({ before }: Run): Hit | null {
  return before.endsWith('ENC[AES256_GCM,data:') || before.endsWith(',iv:')
    ? { kind: 'sops', offset: 0 }
    : null
}

/** Two letters before a mark, or one behind a `$`: with any other nothing of ours has the mark. */
const behindDollar = new Set([...'12567yg'].map((letter) => letter.charCodeAt(0)))
const pairs = (...all: string[]) => new Set(all.map((pair) => pair.charCodeAt(0) * 256 + pair.charCodeAt(1)))
const beforeMark = new Map([
  ['_'.charCodeAt(0), pairs('hp', 'ho', 'hu', 'hs', 'hr', 'pm', 'at', 've', 'v1')],
  ['-'.charCodeAt(0), pairs('GE', 'ge', 'at', 'xb', 'xp', 'ey')],
  ['.'.charCodeAt(0), pairs('SG')]
])
const [DOLLAR, COLON, DASH, NEWLINE] = [...'$:-\n'].map((letter) => letter.charCodeAt(0)) as [
  number,
  number,
  number,
  number
]
/** White space, quotes, and what joins lines in a program: all that stands between a header and a key. */
const isBetween = new Set([...' \t\r\n\\"\'+,'].map((letter) => letter.charCodeAt(0)))

/** Whether a rule could find something in a row. Looks at bytes alone: most rows go no further. */
export function mayHold(bytes: Uint8Array, start: number, end: number): boolean {
  const last = start === 0 ? 0 : (bytes[start - 1] as number)
  if (last === COLON || (isBetween.has(last) && followsHeader(bytes, start))) return true
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number
    if (byte === DOLLAR) {
      if (behindDollar.has(bytes[at + 1] ?? 0)) return true
      continue
    }
    // Letters and digits, and what else there is no mark of.
    if (byte > 57 && byte !== 95) continue
    const before = beforeMark.get(byte)
    if (before?.has((bytes[at - 2] ?? 0) * 256 + (bytes[at - 1] ?? 0))) return true
  }
  return false
}

/** A header ends with dashes; that of an encrypted key with an empty line. */
function followsHeader(bytes: Uint8Array, start: number): boolean {
  let at = start - 1
  while (at >= 0 && start - at < BEFORE && isBetween.has(bytes[at] as number)) at--
  return bytes[at] === DASH || (bytes[start - 1] === NEWLINE && bytes[start - 2] === NEWLINE)
}
