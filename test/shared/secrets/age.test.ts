import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { mustRun, runCommand } from '../../../shared/command.ts'
import { isAgeSecretKey, isRecipient, recipientOf, recipientOfSshKey } from '../../../shared/secrets/age.ts'
import { bech32Decode, bech32Encode } from '../../../shared/secrets/bech32.ts'

/** An ssh key, and the age identity that ssh-to-age makes of its private half: the clamped hash of the seed. */
function sshKey(): { readonly line: string; readonly identity: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  const blob = Buffer.concat([
    Buffer.from([0, 0, 0, 11]),
    Buffer.from('ssh-ed25519'),
    Buffer.from([0, 0, 0, 32]),
    raw
  ])
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32)
  const scalar = createHash('sha512').update(seed).digest().subarray(0, 32)
  return {
    line: `ssh-ed25519 ${blob.toString('base64')} root@cinnabar`,
    identity: bech32Encode('age-secret-key-', scalar).toUpperCase()
  }
}

const noAge = existsSync('/usr/bin/age') ? false : 'age is not installed: run `npm run setup`'

t.test('a recipient of an ssh key, by X25519 of Node', async (t) => {
  for (let i = 0; i < 20; i++) {
    const { line, identity } = sshKey()
    const scalar = Buffer.from(bech32Decode(identity)?.bytes ?? [])
    const key = createPrivateKey({
      key: Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), scalar]),
      format: 'der',
      type: 'pkcs8'
    })
    const raw = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
    t.equal(recipientOfSshKey(line), bech32Encode('age', raw))
    t.equal(isAgeSecretKey(identity), true)
  }
})

t.test('and by age itself', { skip: noAge }, async (t) => {
  const { line, identity } = sshKey()
  const recipient = recipientOfSshKey(line)
  const directory = t.testdir({ key: `${identity}\n` })
  const options = { timeoutMs: 10_000 }
  const { stdout } = await mustRun(['age-keygen', '-y', join(directory, 'key')], options)
  t.equal(stdout.trim(), recipient)
  const { stdout: sealed } = await mustRun(['age', '-a', '-r', recipient], { ...options, input: 'hello' })
  const opened = await mustRun(['age', '-d', '-i', join(directory, 'key')], { ...options, input: sealed })
  t.equal(opened.stdout, 'hello')
  const other = t.testdir({ key: `${sshKey().identity}\n` })
  t.not((await runCommand(['age', '-d', '-i', join(other, 'key')], { ...options, input: sealed })).code, 0)
})

t.test('what is no key is refused with what was found', async (t) => {
  const { line } = sshKey()
  const [kind, body = ''] = line.split(' ')
  const wrong = [
    '',
    'ssh-rsa AAAA',
    `${kind} ${body.slice(0, -4)}`,
    `${kind} ${Buffer.from(body, 'base64').reverse().toString('base64')}`,
    'age1qqqq',
    'AGE1QQQQ'
  ]
  for (const text of wrong) t.throws(() => recipientOf(text), { code: 'invalid-request' }, text)
  // The neutral point has no u.
  const neutral = Buffer.concat([
    Buffer.from(body, 'base64').subarray(0, 19),
    Buffer.from([1]),
    Buffer.alloc(31)
  ])
  t.throws(() => recipientOf(`${kind} ${neutral.toString('base64')}`), { code: 'invalid-request' })
  t.equal(recipientOf(` ${line}\n`), recipientOfSshKey(line))
  t.equal(isRecipient(recipientOfSshKey(line)), true)
  t.equal(isRecipient('age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t'), true)
})

t.test('a checksum tells a key from what looks like one', async (t) => {
  const { identity } = sshKey()
  t.equal(isAgeSecretKey(identity.toLowerCase()), true)
  t.equal(isAgeSecretKey(`${identity.slice(0, -1)}${identity.endsWith('Q') ? 'P' : 'Q'}`), false)
  t.equal(isAgeSecretKey(identity.replace('AGE', 'age')), false, 'both cases')
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), (bytes) => {
      const decoded = bech32Decode(bech32Encode('age', bytes))
      return decoded?.prefix === 'age' && Buffer.from(decoded.bytes).equals(Buffer.from(bytes))
    })
  )
  fc.assert(fc.property(fc.string(), (text) => !isAgeSecretKey(text)))
})
