import { readFileSync } from 'node:fs'
import t from 'tap'
import { verifySignature } from '../../../agent/security/verify-signature.ts'
import { formatApproval, formatStatement, parseApproval } from '../../../shared/approval.ts'
import { keyRing, signed, statement } from './keys.ts'

const NAMESPACE = 'namespaces="belay-approval@belay"'
const allowed = (...lines: string[]) => ({ allowed: Buffer.from(`${lines.join('\n')}\n`), revoked: null })

t.test('whose key is in the file is known by name and by key', async (t) => {
  const ring = keyRing(t.testdir({}))
  for (const type of ['ed25519', 'ecdsa', 'rsa']) {
    const key = ring.make(type, type)
    const signer = await verifySignature(signed(ring, type), allowed(`alice@example.org ${NAMESPACE} ${key}`))
    t.match(signer, { principal: 'alice@example.org', key: /^SHA256:/ }, type)
  }
})

t.test('every other key, name, time and purpose is refused with its code', async (t) => {
  const ring = keyRing(t.testdir({}))
  const [alice, bob] = [ring.make('alice'), ring.make('bob')]
  const approval = signed(ring, 'alice')
  const unknown: [string, string[]][] = [
    ['nobody may', []],
    ['another key', [`bob@example.org ${bob}`]],
    ['anybody, by a pattern', [`* ${alice}`]],
    ['somebody of a domain', [`*@example.org ${alice}`]],
    ['a pattern with an exception', [`!bob,* ${alice}`]],
    ['another purpose', [`alice@example.org namespaces="git" ${alice}`]],
    ['not any more', [`alice@example.org valid-before="20200101" ${alice}`]],
    ['not yet', [`alice@example.org valid-after="20990101" ${alice}`]],
    ['the key as authority alone', [`alice@example.org cert-authority ${alice}`]],
    ['a broken file', ['alice@example.org ssh-ed25519 nonsense']]
  ]
  for (const [name, lines] of unknown)
    await t.rejects(verifySignature(approval, allowed(...lines)), { code: 'approval-unknown-key' }, name)
  const good = allowed(`alice@example.org ${alice}`)
  t.equal((await verifySignature(approval, good)).principal, 'alice@example.org')

  const text = formatStatement(statement())
  const forGit = parseApproval(formatApproval(text, ring.sign('alice', text, 'git')))
  await t.rejects(
    verifySignature(forGit, good),
    { code: 'approval-bad-signature', message: /made for something else/ },
    'a signature that was made for git'
  )
  const other = { ...approval, text: formatStatement(statement({ host: 'electrum' })) }
  await t.rejects(verifySignature(other, good), { code: 'approval-bad-signature', message: /not of this/ })
  const [, body = ''] = /URE-----\n(\S{20})/.exec(approval.signature) ?? []
  const nonsense = { ...approval, signature: approval.signature.replace(body, 'A'.repeat(20)) }
  await t.rejects(verifySignature(nonsense, good), { code: 'approval-unknown-key' })
})

t.test('a key of two names is one person', async (t) => {
  const ring = keyRing(t.testdir({}))
  const key = ring.make('alice')
  const twice = allowed(`alice@example.org,bob@example.org ${key}`, `carol@example.org ${key}`)
  t.equal((await verifySignature(signed(ring, 'alice'), twice)).principal, 'alice@example.org')
})

t.test('an authority may name people, and its certificates end', async (t) => {
  const ring = keyRing(t.testdir({}))
  const ca = ring.make('ca')
  ring.make('dora')
  const line = `*@example.org cert-authority,${NAMESPACE} ${ca}`
  const certify = (...more: string[]) => ring.keygen('-q', '-s', 'ca', '-I', 'dora', ...more, 'dora.pub')
  certify('-n', 'dora@example.org', '-V', '+1h')
  const sign = () => {
    const text = formatStatement(statement())
    return parseApproval(formatApproval(text, ring.sign('dora-cert.pub', text)))
  }
  t.match(await verifySignature(sign(), allowed(line)), { principal: 'dora@example.org' })
  const refused = { code: 'approval-unknown-key' }
  certify('-n', 'dora@example.net', '-V', '+1h')
  await t.rejects(verifySignature(sign(), allowed(line)), refused, 'of another domain')
  certify('-n', '*@example.org', '-V', '+1h')
  await t.rejects(verifySignature(sign(), allowed(line)), refused, 'a pattern in the certificate')
  certify('-n', 'dora@example.org', '-V', '20200101:20200102')
  await t.rejects(verifySignature(sign(), allowed(line)), refused, 'over')
})

t.test('a revoked key is no key, by list or by KRL; the other still is', async (t) => {
  const ring = keyRing(t.testdir({}))
  const lines = allowed(`alice@example.org ${ring.make('alice')}`, `bob@example.org ${ring.make('bob')}`)
  ring.keygen('-q', '-k', '-f', 'krl', 'alice.pub')
  for (const file of ['krl', 'alice.pub']) {
    const signers = { ...lines, revoked: readFileSync(ring.file(file)) }
    const revoked = { code: 'approval-key-revoked', message: /key of alice@example.org is revoked/ }
    await t.rejects(verifySignature(signed(ring, 'alice'), signers), revoked, file)
    t.equal((await verifySignature(signed(ring, 'bob'), signers)).principal, 'bob@example.org')
  }
  const revokedOrBroken = { code: 'approval-key-revoked', message: /cannot be read/ }
  const broken = { ...lines, revoked: Buffer.from('SSHKRL\n\0broken') }
  await t.rejects(
    verifySignature(signed(ring, 'alice'), broken),
    revokedOrBroken,
    'a broken KRL lets nobody through'
  )
})
