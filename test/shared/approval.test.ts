import { deepStrictEqual, equal, match, throws } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { Statement } from '../../shared/approval.ts'
import {
  approvalTime,
  formatApproval,
  formatStatement,
  MAX_APPROVAL,
  parseApproval,
  parseStatement,
  statedConfirms,
  statedModes
} from '../../shared/approval.ts'

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length })
/** Seconds since 1970, up to the year 9999. */
const seconds = fc.integer({ min: 0, max: 253_402_300_798 })

const statements: fc.Arbitrary<Statement> = fc
  .record({
    host: fc.constantFrom('cinnabar', 'electrum.example.org', 'x'),
    profile: fc.constant('system'),
    storePath: fc.constantFrom('a', 'b').map((c) => `/nix/store/${c.repeat(32)}-nixos-system`),
    planHash: hex(64),
    mode: fc.constantFrom(...statedModes),
    confirm: fc.constantFrom(...statedConfirms),
    revision: fc.option(fc.nat()),
    times: fc.tuple(seconds, seconds).filter(([a, b]) => a !== b),
    id: hex(32)
  })
  .map(({ times, ...rest }) => {
    const [issued = 0, expires = 0] = times.toSorted((a, b) => a - b)
    return { ...rest, issuedAt: approvalTime(issued * 1000), expiresAt: approvalTime(expires * 1000) }
  })
const signature = '-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n'
const example: Statement = {
  host: 'cinnabar',
  profile: 'system',
  storePath: `/nix/store/${'a'.repeat(32)}-nixos-system`,
  planHash: '0'.repeat(64),
  mode: 'switch',
  confirm: 'connection',
  revision: null,
  issuedAt: '2026-01-02T03:04:05Z',
  expiresAt: '2026-01-03T03:04:05Z',
  id: '1'.repeat(32)
}
const malformed = { code: 'approval-malformed' }

t.test('a person can read it', async (t) => {
  t.equal(
    formatStatement({ ...example, revision: 7 }),
    `belay approval, version 2
host: cinnabar
profile: system
store path: ${example.storePath}
plan: ${example.planHash}
mode: switch
confirmed by: connection
revision: 7
issued: 2026-01-02T03:04:05Z
expires: 2026-01-03T03:04:05Z
id: ${example.id}
`
  )
})

t.test('every statement is read as it was written', async (t) => {
  const property = fc.property(statements, (statement) => {
    const text = formatStatement(statement)
    deepStrictEqual(parseStatement(text), statement)
    deepStrictEqual(parseApproval(formatApproval(text, signature)), { statement, text, signature })
  })
  t.doesNotThrow(() => fc.assert(property))
})

t.test('any other text is refused: a statement has one text', async (t) => {
  let accepted = 0
  const property = fc.property(
    statements,
    fc.nat(),
    fc.string({ maxLength: 3 }),
    fc.nat(2),
    (s, at, put, cut) => {
      const text = formatStatement(s)
      const i = at % (text.length + 1)
      const changed = text.slice(0, i) + put + text.slice(i + cut)
      try {
        const read = parseStatement(changed)
        accepted += 1
        // What is read may be another statement, but its text is this one.
        equal(formatStatement(read), changed)
      } catch (error) {
        match((error as { code: string }).code, /^(approval-malformed|invalid-store-path)$/)
      }
    }
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 2000 }))
  t.ok(accepted > 0, `${accepted} of them were statements`)
})

t.test('what cannot be stated is not', async (t) => {
  const bad: Partial<Statement>[] = [
    { host: 'cinnabar\nid: 0' },
    { host: '--help' },
    { host: '' },
    { host: 'x'.repeat(300) },
    { profile: 'System' },
    { planHash: 'A'.repeat(64) },
    { planHash: '0'.repeat(63) },
    { mode: 'test' as 'boot' },
    { confirm: 'nobody' as 'health' },
    { revision: -1 },
    { revision: 1.5 },
    { revision: Number.NaN },
    { revision: 1e21 },
    { issuedAt: '2026-02-30T00:00:00Z' },
    { issuedAt: '2026-01-02T03:04:05.000Z' },
    { expiresAt: '2026-01-02T03:04:05+00:00' },
    { expiresAt: example.issuedAt },
    { expiresAt: '2025-01-01T00:00:00Z' },
    { id: 'short' },
    { id: '../../../etc/passwd' }
  ]
  for (const change of bad)
    t.throws(() => formatStatement({ ...example, ...change }), malformed, JSON.stringify(change))
  t.throws(() => formatStatement({ ...example, storePath: '/etc/passwd' }), { code: 'invalid-store-path' })
})

t.test('nothing stands before, between or behind statement and signature', async (t) => {
  const text = formatStatement(example)
  const other = formatStatement({ ...example, host: 'electrum' })
  const good = text + signature
  const bad = [
    '',
    text,
    signature,
    ` ${good}`,
    `\n${good}`,
    `\ufeff${good}`,
    `${good}\n`,
    `${good}${good}`,
    `${good}${other}`,
    `${other}${good}`,
    `${text}${other}${signature}`,
    `${text}\n${signature}`,
    `${text}${signature}${signature}`,
    good.replaceAll('\n', '\r\n'),
    good.replace('host: cinnabar', 'host: cinnabar '),
    good.replace('host: cinnabar\n', 'host: cinnabar\nhost: electrum\n'),
    good.replace('version 2', 'version 1'),
    good.replace('U1NIU0lH', 'U1NIU0lH\n\nU1NI'),
    good.replace('U1NIU0lH', 'U1NI U0lH'),
    good.replace('U1NIU0lH', 'A'.repeat(77)),
    `${text}${signature.replace('U1NIU0lH', `${'A'.repeat(70)}\n`.repeat(MAX_APPROVAL / 64).trim())}`
  ]
  for (const document of bad)
    t.throws(() => parseApproval(document), malformed, JSON.stringify(document).slice(0, 60))
  t.same(parseApproval(good).statement, example)
})

t.test('no text at all makes another error', async (t) => {
  const property = fc.property(fc.string({ maxLength: 400 }), (text) => {
    throws(() => parseApproval(text), malformed)
  })
  t.doesNotThrow(() => fc.assert(property))
})
