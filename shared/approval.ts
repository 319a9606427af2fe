import { userPattern } from './api/profile.ts'
import { BelayError } from './errors.ts'
import { parseStorePath } from './store-path.ts'

/**
 * The namespace of the signature (`ssh-keygen -Y sign -n`). A signature for another, such as git's, approves nothing, and
 * one of ours is of no use there.
 */
export const APPROVAL_NAMESPACE = 'belay-approval@belay'

/** Bytes of a whole approval; one with a large RSA certificate needs a tenth. */
export const MAX_APPROVAL = 16 * 1024

/** How a generation comes to run, and what commits it, as a statement says it. */
export const statedModes = ['switch', 'boot', 'auto'] as const
export const statedConfirms = ['connection', 'health'] as const

/** What a person signs: this host may activate this store path, once, in this way, if its plan is this one. */
export interface Statement {
  readonly host: string
  readonly profile: string
  readonly storePath: string
  readonly planHash: string
  /** How it comes to run: at once, or by a boot on trial. */
  readonly mode: (typeof statedModes)[number]
  /** What commits it: a connection that is opened afterwards, or local verification alone. */
  readonly confirm: (typeof statedConfirms)[number]
  /** Revision of the desired state, or null where it does not matter. */
  readonly revision: number | null
  /** RFC 3339, UTC, whole seconds; so is `expiresAt`. */
  readonly issuedAt: string
  readonly expiresAt: string
  /** 128 random bits in hexadecimal: what makes it one of its kind. */
  readonly id: string
}

/** A statement with the exact text that was signed, and the signature as ssh-keygen writes it. */
export interface SignedApproval {
  readonly statement: Statement
  readonly text: string
  readonly signature: string
}

const HOST = /^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/
const PROFILE = new RegExp(`^(?:[a-z][a-z0-9-]{0,63}|home:${userPattern})$`)
/** SHA-256 in hexadecimal. */
const PLAN = /^[0-9a-f]{64}$/
const MODE = new RegExp(`^(?:${statedModes.join('|')})$`)
const CONFIRM = new RegExp(`^(?:${statedConfirms.join('|')})$`)
const REVISION = /^(?:none|0|[1-9][0-9]{0,14})$/
const TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/

/** Identity of an approval. */
export const approvalIdPattern = '^[0-9a-f]{32}$'
const ID = new RegExp(approvalIdPattern)

const TITLE = 'belay approval, version 2'
/** Line by line, in this order; nothing before, between or behind. */
const keys = [
  'host',
  'profile',
  'store path',
  'plan',
  'mode',
  'confirmed by',
  'revision',
  'issued',
  'expires',
  'id'
] as const

/** The one text of a statement: what a person reads is what is signed. Throws for what cannot be stated. */
export function formatStatement(statement: Statement): string {
  const { host, profile, storePath, planHash, mode, confirm, revision, issuedAt, expiresAt, id } = statement
  const what = [host, profile, storePath, planHash, mode, confirm]
  const values = [...what, revision ?? 'none', issuedAt, expiresAt, id]
  const text = `${TITLE}\n${keys.map((key, i) => `${key}: ${values[i]}\n`).join('')}`
  parseStatement(text)
  return text
}

/** Reads a statement. Throws `approval-malformed` for any text but the one that {@link formatStatement} gives. */
export function parseStatement(text: string): Statement {
  const lines = text.split('\n')
  if (lines.length !== keys.length + 2 || lines[0] !== TITLE || lines.at(-1) !== '')
    throw malformed('statement', lines[0]?.slice(0, 80), `"${TITLE}" and ${keys.length} lines`)
  const value = (key: (typeof keys)[number], pattern: RegExp) => {
    const line = lines[keys.indexOf(key) + 1] ?? ''
    const found = line.startsWith(`${key}: `) ? line.slice(key.length + 2) : ''
    if (pattern.test(found)) return found
    throw malformed(key, line.slice(0, 300), pattern.source)
  }
  const revision = value('revision', REVISION)
  const statement = {
    host: value('host', HOST),
    profile: value('profile', PROFILE),
    storePath: parseStorePath(value('store path', /^\//)),
    planHash: value('plan', PLAN),
    mode: value('mode', MODE) as Statement['mode'],
    confirm: value('confirmed by', CONFIRM) as Statement['confirm'],
    revision: revision === 'none' ? null : Number(revision),
    issuedAt: timeOf('issued', value('issued', TIME)),
    expiresAt: timeOf('expires', value('expires', TIME)),
    id: value('id', ID)
  }
  if (statement.issuedAt < statement.expiresAt) return statement
  throw malformed('expires', statement.expiresAt, `after ${statement.issuedAt}`)
}

function timeOf(key: string, text: string): string {
  const ms = Date.parse(text)
  if (!Number.isNaN(ms) && approvalTime(ms) === text) return text
  throw malformed(key, text, 'a time that exists')
}

/** Milliseconds since 1970 as a statement has them. */
export function approvalTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

const SIGNED =
  /^(belay approval, [\s\S]*?\n)(-----BEGIN SSH SIGNATURE-----\n(?:[A-Za-z0-9+/=]{1,76}\n)+-----END SSH SIGNATURE-----\n)$/

/** A signed approval as it is handed on: the statement, and the signature below it. */
export function formatApproval(text: string, signature: string): string {
  return `${text}${signature}`
}

/** Reads a signed approval, the whole of it. Throws `approval-malformed`. Who signed is not looked at. */
export function parseApproval(document: string): SignedApproval {
  if (document.length > MAX_APPROVAL)
    throw malformed('approval', `${document.length} bytes`, `at most ${MAX_APPROVAL} bytes`)
  const [, text, signature] = SIGNED.exec(document) ?? []
  if (text === undefined || signature === undefined)
    throw malformed('approval', document.slice(0, 80), 'a statement, one SSH signature, and nothing else')
  return { statement: parseStatement(text), text, signature }
}

function malformed(at: string, found: unknown, wanted: string): BelayError {
  return new BelayError('approval-malformed', `not an approval: ${at}: wanted ${wanted}`, {
    found,
    wanted,
    at
  })
}
