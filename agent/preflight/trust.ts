import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Settings } from '../config/settings.ts'
import { ignoreMissing } from '../platform/nix/generations.ts'
import { readSignedPath } from '../platform/nix/signed-path.ts'
import { verifyClosure } from '../platform/nix/verify-closure.ts'
import { signedBy } from '../security/path-signature.ts'
import type { Finding } from './check.ts'
import { byStrictness, check, fail, pass, unknown } from './check.ts'

/** What a nix.conf says about whose store paths are taken. */
export interface Trust {
  readonly keys: readonly string[]
  readonly requireSigs: boolean
}

/** Nix's own, where nothing else is said. */
const DEFAULT_KEYS = ['cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=']

/** The candidate trusts whom the running system trusts, and still asks for signatures. */
export const trust = check({
  name: 'trust',
  look: async ({ storePath, seen }) => {
    const read = async (system: string) =>
      parseTrust(await readFile(join(system, 'etc/nix/nix.conf'), 'utf8').catch(ignoreMissing('')))
    return Promise.all([seen.running === null ? parseTrust('') : read(seen.running), read(storePath)])
  },
  judge: ([running, candidate], { settings }) => judgeTrust(running, candidate, settings.trust.onLoss)
})

export function judgeTrust(running: Trust, candidate: Trust, strictness: 'warn' | 'fail'): Finding {
  const lost = running.keys.filter((key) => !candidate.keys.includes(key)).map(nameOf)
  const off = running.requireSigs && !candidate.requireSigs
  const gained = candidate.keys.filter((key) => !running.keys.includes(key)).map(nameOf)
  const more = gained.length > 0 ? `; it trusts in addition ${gained.join(', ')}` : ''
  if (lost.length === 0 && !off) return pass(`the same ${running.keys.length} keys${more}`)
  const what = [
    ...(off ? ['it takes paths without signatures (require-sigs = false)'] : []),
    ...(lost.length > 0 ? [`it does not trust ${lost.join(', ')} any more`] : [])
  ]
  const remedy = 'see whether that is meant; nix.settings.trusted-public-keys and require-sigs say it'
  return byStrictness(strictness, 'trust-lost', `${what.join(', and ')}${more}`, remedy)
}

/** Reads what matters here; the last line of a kind counts, and `extra-` adds. Included files are not followed. */
export function parseTrust(text: string): Trust {
  let keys: readonly string[] = DEFAULT_KEYS
  const extra: string[] = []
  let requireSigs = true
  for (const line of text.split('\n')) {
    const [, name, value = ''] = /^\s*([a-z-]+)\s*=\s*([^#]*)/.exec(line) ?? []
    const words = value.split(/\s+/).filter(Boolean)
    if (name === 'trusted-public-keys' || name === 'binary-cache-public-keys') keys = words
    if (name === 'extra-trusted-public-keys') extra.push(...words)
    if (name === 'require-sigs') requireSigs = words[0] !== 'false'
  }
  return { keys: [...new Set([...keys, ...extra])], requireSigs }
}

/** A key without the key itself. */
const nameOf = (key: string) => key.split(':')[0] ?? key

/** What Nix says of the closure, and which of the keys that count have signed its top level. */
export interface SignaturesSeen {
  readonly code: number | null
  readonly stderr: string
  /** Null where it was not looked at. */
  readonly topLevelBy: readonly string[] | null
}

/**
 * Every path of the candidate carries so many signatures by keys that this host names for itself. Nix asks none of what
 * is addressed by its content, which anybody can make: the top level must have its own. They bind what it refers to,
 * and so on down the closure.
 */
export const signatures = check({
  name: 'signatures',
  limitSeconds: 120,
  look: async ({ storePath, settings }, signal): Promise<SignaturesSeen | null> => {
    const { signaturesNeeded, publicKeys } = settings.trust
    if (signaturesNeeded === 0 || publicKeys.length === 0) return null
    const keys = ['--option', 'trusted-public-keys', publicKeys.join(' ')]
    const asked = ['--no-contents', '--sigs-needed', String(signaturesNeeded), ...keys]
    const { code, stderr } = await verifyClosure(storePath, asked, { timeoutMs: 85_000, signal })
    if (code !== 0) return { code, stderr, topLevelBy: null }
    const { path, signatures: found } = await readSignedPath(storePath, signal)
    return { code, stderr, topLevelBy: signedBy(path, found, publicKeys) }
  },
  judge: (seen, { settings }) => judgeSignatures(seen, settings.trust)
})

/** The exit code is a bit mask: 1 corrupted, 2 untrusted, 4 other. */
export function judgeSignatures(
  seen: SignaturesSeen | null,
  { signaturesNeeded, publicKeys }: Settings['trust']
): Finding {
  if (signaturesNeeded === 0) return pass('none asked for (trust.signaturesNeeded is 0)')
  const names = publicKeys.map(nameOf).join(', ')
  if (publicKeys.length === 0)
    return fail('unsigned', 'signatures are asked for, and no key counts', 'name keys in trust.publicKeys')
  const remedy = 'sign it where it is built (nix store sign --recursive) and copy it again'
  if (seen?.code === 0 && seen.topLevelBy !== null) {
    const { length } = seen.topLevelBy
    if (length >= signaturesNeeded)
      return pass(
        `every path has ${signaturesNeeded} by ${names}; what needs none is bound by those above it`
      )
    const text = `the top level has ${length} of ${signaturesNeeded} signatures by ${names}, whatever it is addressed by`
    return fail('unsigned', text, remedy)
  }
  const said = seen?.stderr.trim().split('\n') ?? []
  if (seen && seen.code !== null && seen.code < 8 && (seen.code & 3) !== 0) {
    const paths = said
      .filter((line) => / is untrusted|was modified|corrupted/.test(line))
      .map((line) => line.trim())
    const text = `${paths.length} paths lack ${signaturesNeeded} by ${names}: ${paths.slice(0, 2).join('; ')}`
    return fail('unsigned', text, remedy)
  }
  return unknown(`nix store verify ended with ${seen?.code}: ${said.at(-1) ?? ''}`)
}
