import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Settings } from '../config/settings.ts'
import { ignoreMissing } from '../platform/nix/generations.ts'
import { verifyClosure } from '../platform/nix/verify-closure.ts'
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

/** Every path of the candidate carries so many signatures by keys that this host names for itself. */
export const signatures = check({
  name: 'signatures',
  limitSeconds: 120,
  look: async ({ storePath, settings }, signal) => {
    const { signaturesNeeded, publicKeys } = settings.trust
    if (signaturesNeeded === 0 || publicKeys.length === 0) return null
    const keys = ['--option', 'trusted-public-keys', publicKeys.join(' ')]
    const asked = ['--no-contents', '--sigs-needed', String(signaturesNeeded), ...keys]
    return verifyClosure(storePath, asked, { timeoutMs: 115_000, signal })
  },
  judge: (result, { settings }) => judgeSignatures(result, settings.trust)
})

/** The exit code is a bit mask: 1 corrupted, 2 untrusted, 4 other. */
export function judgeSignatures(
  result: { readonly code: number | null; readonly stderr: string } | null,
  { signaturesNeeded, publicKeys }: Settings['trust']
): Finding {
  if (signaturesNeeded === 0) return pass('none asked for (trust.signaturesNeeded is 0)')
  const names = publicKeys.map(nameOf).join(', ')
  if (publicKeys.length === 0)
    return fail('unsigned', 'signatures are asked for, and no key counts', 'name keys in trust.publicKeys')
  if (result?.code === 0)
    return pass(`every path has ${signaturesNeeded} by ${names}, or is content-addressed`)
  const said = result?.stderr.trim().split('\n') ?? []
  if (result && result.code !== null && result.code < 8 && (result.code & 3) !== 0) {
    const paths = said
      .filter((line) => / is untrusted|was modified|corrupted/.test(line))
      .map((line) => line.trim())
    const remedy = 'sign it where it is built (nix store sign --recursive) and copy it again'
    const text = `${paths.length} paths lack ${signaturesNeeded} by ${names}: ${paths.slice(0, 2).join('; ')}`
    return fail('unsigned', text, remedy)
  }
  return unknown(`nix store verify ended with ${result?.code}: ${said.at(-1) ?? ''}`)
}
