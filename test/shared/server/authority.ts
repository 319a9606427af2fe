import { generateKeyPairSync } from 'node:crypto'
import type { Leaf } from '../../../controller/pki/sign.ts'
import { signAuthority, signLeaf } from '../../../controller/pki/sign.ts'
import type { Revoked } from '../../../controller/pki/sign-revocations.ts'
import { signRevocations } from '../../../controller/pki/sign-revocations.ts'

const HOUR = 3_600_000
const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pemOf = (key: ReturnType<typeof newKey>) =>
  key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

/** A certificate with its key. */
export interface Pair {
  readonly cert: string
  readonly key: string
  readonly serial: string
}

/** An authority that signs whatever a test asks for, good or bad. */
export function testAuthority(name = 'authority of the test') {
  const { privateKey: key } = newKey()
  const signer = { key, name }
  const period = { from: Date.now() - HOUR, until: Date.now() + 24 * HOUR }
  let number = 0
  const leaf = (content: Partial<Leaf>): Pair => {
    const pair = newKey()
    // Of a key that somebody else made there is no private half here.
    const whole = { name: 'x', usage: ['client' as const], ...period, key: pair.publicKey, ...content }
    const { pem, serial } = signLeaf(signer, whole)
    return { cert: pem, key: pemOf(pair), serial }
  }
  return {
    cert: signAuthority(signer, period).pem,
    leaf,
    /** A server on loopback. */
    server: (content: Partial<Leaf> = {}) =>
      leaf({
        name: 'controller',
        usage: ['server'],
        addresses: ['127.0.0.1'],
        dns: ['localhost'],
        ...content
      }),
    role: (role: string, name = 'anna', content: Partial<Leaf> = {}) =>
      leaf({ name, uri: `belay://role/${role}/${name}`, ...content }),
    host: (name: string, content: Partial<Leaf> = {}) =>
      leaf({ name, usage: ['server', 'client'], uri: `belay://host/${name}`, dns: [name], ...content }),
    revoke: (serials: readonly string[], until = Date.now() + HOUR) =>
      signRevocations(
        signer,
        serials.map((serial): Revoked => ({ serial, at: Date.now(), reason: 'key-compromise' })),
        { from: Date.now() - HOUR, until, number: ++number }
      )
  }
}
