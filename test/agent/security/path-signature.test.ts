import { generateKeyPairSync, sign } from 'node:crypto'
import t from 'tap'
import { fingerprint, signaturesIn, signedBy } from '../../../agent/security/path-signature.ts'
import { path } from './keys.ts'

const top = {
  storePath: path('b'),
  narHash: `sha256:${'0'.repeat(51)}1`,
  narSize: 96,
  references: [path('d'), path('c')]
}

/** A key as Nix names it, and what it says of a text. */
function key(name: string) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const { x = '' } = publicKey.export({ format: 'jwk' })
  return {
    public: `${name}:${Buffer.from(x, 'base64url').toString('base64')}`,
    sign: (what = top) =>
      `${name}:${sign(null, Buffer.from(fingerprint(what)), privateKey).toString('base64')}`
  }
}

t.test('the fingerprint is that of Nix: references sorted, each part once', async (t) => {
  t.equal(fingerprint(top), `1;${path('b')};${top.narHash};96;${path('c')},${path('d')}`)
  for (const wrong of [{ narHash: 'sha256-AAAA' }, { narHash: '' }, { narSize: Number.NaN }])
    t.throws(() => fingerprint({ ...top, ...wrong }), { code: 'command-failed' })
})

t.test('a signature counts for its key, its name, this content and these references, once', async (t) => {
  const [a, b, mallory] = [key('a-1'), key('b-1'), key('mallory-1')]
  const keys = [a.public, b.public]
  t.same(signedBy(top, [a.sign(), a.sign(), mallory.sign()], keys), ['a-1'])
  t.same(signedBy(top, [a.sign(), b.sign()], keys), ['a-1', 'b-1'])
  t.same(signedBy(top, [], keys), [], 'addressed by its content, and signed by nobody')
  t.same(signedBy(top, [mallory.sign().replace('mallory-1', 'a-1')], keys), [], 'under the name of another')
  t.same(signedBy(top, [a.sign().replace('a-1', 'b-1')], [a.public]), [], 'under a name that does not count')
  for (const change of [{ narSize: 97 }, { references: [path('c')] }, { storePath: path('e') }])
    t.same(signedBy({ ...top, ...change }, [a.sign()], keys), [], JSON.stringify(change))
  t.same(signedBy(top, [a.sign()], ['a-1:AAAA', 'nonsense']), [], 'what is no key counts for nobody')
})

t.test('signatures are found among the other words of a line, and nothing else is one', async (t) => {
  const a = key('a-1')
  t.same(signaturesIn(`${path('b')}\tultimate ca:fixed:r:sha256:1abc ${a.sign()}\n`), [a.sign()])
  t.same(signaturesIn(`${path('b')}`), [])
})
