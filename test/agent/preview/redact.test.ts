import fc from 'fast-check'
import t from 'tap'
import { isSecretPlace, redact } from '../../../agent/preview/redact.ts'

const base64 = 'Ab3+'.repeat(30)
const cases: readonly (readonly [string, string])[] = [
  [
    '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAAsecret\n-----END OPENSSH PRIVATE KEY-----\nrest',
    '[redacted: private key]\nrest'
  ],
  ['-----BEGIN PRIVATE KEY-----\nAAAAsecret', '[redacted: private key]'],
  ['-----BEGIN AGE ENCRYPTED FILE-----\nsecret\n-----END AGE ENCRYPTED FILE-----', '[redacted: age file]'],
  ['key: AGE-SECRET-KEY-1QQQQSECRET', 'key: [redacted: age key]'],
  ['a: ENC[AES256_GCM,data:secret,iv:x,tag:y,type:str]', 'a: [redacted: sops value]'],
  [`cache-1:${base64.slice(0, 86)}==`, '[redacted: Nix signing key]'],
  ['root:$y$j9T$abcdefgh$secretsecretsecret:1', 'root:[redacted: password hash]:1'],
  ['root:$6$saltsalt$secretsecretsecret:1', 'root:[redacted: password hash]:1'],
  [`x ghp_${'s'.repeat(36)} y`, 'x [redacted: token] y'],
  ['AKIAIOSFODNN7EXAMPLE', '[redacted: access key]'],
  ['url = postgres://user:secret@db/x', 'url = postgres://user:[redacted: password]@db/x'],
  ['password = secret', 'password = [redacted]'],
  ['  "token": "secret",', '  "token": "[redacted]",'],
  ['export DB_API_KEY=secret', 'export DB_API_KEY=[redacted]'],
  ['psk=secret', 'psk=[redacted]']
]
const kept = [
  'PasswordAuthentication no',
  'passwordFile = /run/secrets/db',
  'password = /run/secrets/db',
  'secretsMountPoint = "/run/secrets.d"',
  'trusted-public-keys = cache-1:aGVsbG8gd29ybGQgaGVsbG8gd29ybGQgaGVsbG8gd28=',
  'age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq',
  'ExecStart=/nix/store/b0000000000000000000000000000000-web/bin/web --port 80'
]

t.test('secrets go, and what names them stays', async (t) => {
  for (const [text, wanted] of cases) t.equal(redact(text), wanted, text)
  for (const text of kept) t.equal(redact(text), text)
})

t.test('a secret goes wherever it stands', async () => {
  const around = fc.string({ maxLength: 40 }).map((text) => text.replace(/[A-Za-z0-9]/g, ' '))
  fc.assert(
    fc.property(around, around, (before, after) => {
      const text = `${before}\nAGE-SECRET-KEY-1QQQQSECRET\n${after}\n-----BEGIN RSA PRIVATE KEY-----\nVERY\n`
      return !/SECRET|VERY/.test(redact(text))
    })
  )
})

t.test('a hostile file takes no time', async (t) => {
  const began = performance.now()
  for (const text of [
    '1',
    'a',
    'a-',
    '-----BEGIN PRIVATE KEY-----',
    'A.',
    '$6$',
    '://a:',
    'ENC[A,data:',
    'eyJ'
  ])
    redact(text.repeat(Math.ceil(256_000 / text.length)))
  t.ok(performance.now() - began < 20_000, 'linear; quadratic would take hours')
})

t.test('places that are never read', async (t) => {
  for (const path of [
    '/run/secrets/db',
    '/run/secrets.d/1/db',
    '/run/secrets-for-users/x',
    '/run/keys/a',
    '/run/agenix/a',
    '/var/lib/sops-nix/key.txt',
    '/etc/secret-vars/a',
    '/etc/ssh/ssh_host_ed25519_key',
    '/etc/shadow',
    '/run/partitioning-secrets/a'
  ])
    t.equal(isSecretPlace(path), true, path)
  for (const path of [
    '/nix/store/x',
    '/etc/ssh/ssh_host_ed25519_key.pub',
    '/etc/ssh/sshd_config',
    '/etc/secretary'
  ])
    t.equal(isSecretPlace(path), false, path)
})
