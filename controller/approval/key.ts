import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { BelayError } from '../../shared/errors.ts'
import type { Run } from '../build/run.ts'

/** A key to sign with: a file of its own, or the public part of one that the ssh-agent holds. */
export type SigningKey = { readonly file: string } | { readonly publicKey: string }

/** Where ssh looks for keys, the strongest first. */
const FILES = ['id_ed25519_sk', 'id_ed25519', 'id_ecdsa_sk', 'id_ecdsa', 'id_rsa']
const PUBLIC_KEY = /^(?:ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/=]+(?: .*)?$/

/**
 * The key that is named; without a name the first that the ssh-agent holds, as git takes it, or one in ~/.ssh. The public
 * part of a key that the agent or a security key holds may be named as well. Throws `invalid-request` where there is none.
 */
export async function chooseKey(named: string | null, home: string, run: Run): Promise<SigningKey> {
  if (named !== null) {
    if (await isThere(named)) return { file: named }
    throw new BelayError('invalid-request', `there is no key ${named}`, { found: named, at: '--key' })
  }
  const held = await run(['ssh-add', '-L'], { timeoutMs: 10_000 })
  const publicKey =
    held.code === 0 ? held.stdout.split('\n').find((line) => PUBLIC_KEY.test(line)) : undefined
  if (publicKey !== undefined) return { publicKey }
  for (const name of FILES) {
    const file = join(home, '.ssh', name)
    if (await isThere(file)) return { file }
  }
  const wanted = '--key FILE, or a key in the ssh-agent'
  throw new BelayError('invalid-request', `no key to sign with: ${wanted}`, { wanted, at: '--key' })
}

const isThere = (file: string) =>
  access(file).then(
    () => true,
    () => false
  )
