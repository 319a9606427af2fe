import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { LeakKind } from '../../../controller/leaks/kinds.ts'
import { bech32Encode } from '../../../shared/secrets/bech32.ts'
import { recipient, sopsFile } from '../../shared/secrets/sops-files.ts'

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const letters = (count: number) => [...randomBytes(count)].map((byte) => digits[byte % 62]).join('')

function sum(body: string): string {
  let text = ''
  for (let rest = crc32(body); rest > 0; rest = Math.floor(rest / 62)) text = `${digits[rest % 62]}${text}`
  return text.padStart(6, '0')
}

/** A token with its checksum. */
export function checkedToken(prefix: string): string {
  const body = letters(30)
  return `${prefix}_${body}${sum(body)}`
}

export const ageKey = () => bech32Encode('age-secret-key-', randomBytes(32)).toUpperCase()

const ed25519 = () => generateKeyPairSync('ed25519')
export const pem = () => ed25519().privateKey.export({ format: 'pem', type: 'pkcs8' }) as string
const rsa = (cipher?: object) =>
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
    ...{ format: 'pem', type: 'pkcs1' },
    ...cipher
  } as { format: 'pem'; type: 'pkcs1' }) as string

/** A signing key of Nix, and what looks like one: a signature. */
export function signingKey() {
  const { privateKey, publicKey } = ed25519()
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32)
  const own = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  return { secret: `cache.example-1:${Buffer.concat([seed, own]).toString('base64')}`, own }
}

const openssh = () => {
  const body = Buffer.concat([Buffer.from('openssh-key-v1\0'), randomBytes(180)]).toString('base64')
  const lines = body.replace(/.{70}/g, '$&\n')
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`
}

/** One of each: what it is called, its kind, and a text in which it is the only one. All are made up on the spot. */
export function planted(): readonly { name: string; kind: LeakKind; text: string }[] {
  const hash = (head: string, length: number) => `${head}${letters(length)}`
  const of = (kind: LeakKind) => (name: string, text: string) => ({ name, kind, text })
  const [age, key, nix, password, sops, token] = (
    ['age-key', 'private-key', 'nix-signing-key', 'password-hash', 'unencrypted-sops', 'token'] as const
  ).map(of) as ReturnType<typeof of>[] as [
    ReturnType<typeof of>,
    ReturnType<typeof of>,
    ReturnType<typeof of>,
    ReturnType<typeof of>,
    ReturnType<typeof of>,
    ReturnType<typeof of>
  ]
  return [
    age('identity.txt', `# created: 2026\n${ageKey()}\n`),
    age('lower.txt', ageKey().toLowerCase()),
    age('unit.service', `Environment=SOPS_AGE_KEY=${ageKey()}`),
    key('pkcs8.pem', pem()),
    key('rsa.pem', rsa()),
    key('legacy.pem', rsa({ cipher: 'aes-128-cbc', passphrase: 'x' })),
    key('openssh', openssh()),
    key('indented.nix', `  key = ''\n${pem().replace(/^/gm, '    ')}  '';`),
    key('escaped.json', JSON.stringify({ private_key: pem() })),
    key('windows.pem', pem().replaceAll('\n', '\r\n')),
    nix('cache.sk', signingKey().secret),
    nix('settings.json', JSON.stringify({ key: signingKey().secret })),
    password('shadow', `root:${hash('$6$saltsalt$', 86)}:19000:0:99999:7:::\n`),
    password('users.json', JSON.stringify({ hashedPassword: `$y$j9T$${letters(22)}$${letters(43)}` })),
    password('sha256', hash('$5$rounds=5000$salt$', 43)),
    password('htpasswd', `alice:${hash('$2b$12$', 53)}\n`),
    password('md5', hash('$1$saltsalt$', 22)),
    sops('part.yaml', `token: made-up\n${sopsFile('yaml', [recipient(1)])}`),
    sops('part.json', sopsFile('json', [recipient(1)]).replace('port_unencrypted', 'port')),
    sops('part.ini', `[web]\ntoken = made-up\n${sopsFile('ini', [recipient(1)])}`),
    sops('part', sopsFile('binary', [recipient(1)]).replace(/"data": "[^"]*"/, '"data": "made-up"')),
    sops('part.env', `TOKEN=made-up\n${sopsFile('dotenv', [recipient(1)])}`),
    token('github.txt', `token ${checkedToken('ghp')}`),
    token('.npmrc', `//registry.example/:_authToken=${checkedToken('npm')}`),
    token('pat', `github_pat_${letters(22)}_${letters(59)}`),
    token('gitlab', `glpat-1${letters(19)}`),
    token('slack.json', JSON.stringify({ token: `xoxb-${'1'.repeat(12)}-${'2'.repeat(12)}-${letters(24)}` })),
    token('stripe', `sk_live_${letters(32)}`),
    token('mesh', `authKey = tskey-auth-k${letters(11)}CNTRL-${letters(32)}`)
  ]
}

/** What looks like a secret and is none. */
export function harmless(): Readonly<Record<string, string>> {
  const { own } = signingKey()
  return {
    signature: `cache.example-1:${randomBytes(64).toString('base64')}`,
    'public-key': `cache.example-1:${own.toString('base64')}`,
    recipient: recipient(7),
    'age-placeholder': `AGE-SECRET-KEY-1${'Q'.repeat(58)}`,
    certificate: `-----BEGIN CERTIFICATE-----\nMIIB${letters(60)}\n-----END CERTIFICATE-----\n`,
    'public.pem': ed25519().publicKey.export({ format: 'pem', type: 'spki' }) as string,
    'header-alone': `"-----BEGIN OPENSSH PRIVATE KEY-----\\n" "${letters(20)}"`,
    'words.md': `-----BEGIN PRIVATE KEY-----\n${'your-key-goes-here-'.repeat(5)}\n-----END PRIVATE KEY-----`,
    'encrypted.yaml': sopsFile('yaml', [recipient(1)]),
    'encrypted.json': sopsFile('binary', [recipient(1)]),
    'encrypted.env': sopsFile('dotenv', [recipient(1)]),
    'encrypted.ini': sopsFile('ini', [recipient(1)]),
    'wrong-sum': `${checkedToken('ghp').slice(0, -6)}000000`,
    'placeholder-token': `glpat-${'x'.repeat(20)} xoxb-your-token-goes-here-please sk_test_${letters(24)}`,
    'locked-shadow': 'root:!:19000::::::\nsshd:*:19000::::::\nx:$6$rounds=5000$short$tooshort:1::::::\n',
    hash: `sha512-${randomBytes(64).toString('base64')}`,
    'store-path': `/nix/store/${letters(32).toLowerCase()}-name-1.2.3/share/doc/README.md`,
    code: 'const $y$j9T$ = $6$ + $2b$12$; function ghp_not_a_token_but_a_name_that_is_rather_long() {}'
  }
}
