import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readWebConfig } from '../../../agent/metrics/web-config.ts'
import { runCommand } from '../../../shared/command.ts'

const tls = (...lines: string[]) =>
  `tls_server_config:\n  cert_file: cert.pem\n  key_file: /etc/belay/key.pem\n${lines.map((line) => `  ${line}\n`).join('')}`
const verified = ['client_ca_file: ca.pem', 'client_auth_type: RequireAndVerifyClientCert']

t.test('a web-config file, as the exporter toolkit has it', async (t) => {
  const directory = t.testdir({})
  const file = join(directory, 'web.yml')
  const read = (text: string) => {
    writeFileSync(file, text)
    return readWebConfig(file)
  }
  const at = (name: string) => join(directory, name)
  const files = { certificateFile: at('cert.pem'), keyFile: '/etc/belay/key.pem', clientCaFile: null }
  t.same(await read(tls()), { clients: 'none', files, allowed: null }, 'paths count from the file')
  const san = 'client_allowed_sans: ["belay://role/observe/prometheus", prometheus.example]'
  t.same(await read(tls(...verified, san, 'min_version: TLS13')), {
    clients: 'required',
    files: { ...files, clientCaFile: at('ca.pem') },
    allowed: ['belay://role/observe/prometheus', 'prometheus.example']
  })
  t.match(await read(tls('client_ca_file: ca.pem', 'client_auth_type: VerifyClientCertIfGiven')), {
    clients: 'optional'
  })
  t.match(await read(`${tls()}http_server_config: { http2: false }\n`), { clients: 'none' })
})

t.test('what is not understood is refused, never ignored', async (t) => {
  const directory = t.testdir({})
  const file = join(directory, 'web.yml')
  const user = 'basic_auth_users: { anna: "$2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze" }\n'
  const cases: readonly [string, RegExp][] = [
    [`${tls()}${user}`, /basic_auth_users: passwords are not supported here/],
    [user, /tls_server_config|basic_auth_users/],
    ['', /the whole/],
    ['a: [', /not YAML/],
    [`${tls()}rate_limit: { burst: 20 }\n`, /rate_limit/],
    [tls('min_version: TLS12'), /min_version: TLS13/],
    [tls('max_version: TLS12'), /max_version: TLS13/],
    [tls('cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]'), /cipher_suites: TLS 1.3 has its own/],
    [tls('curve_preferences: [CurveP256]'), /curve_preferences/],
    [tls('cert: inline'), /cert: name a file/],
    [tls('client_ca_file: ca.pem'), /wanted client_auth_type/],
    [tls('client_auth_type: RequireAndVerifyClientCert'), /wanted client_ca_file/],
    [tls('client_ca_file: ca.pem', 'client_auth_type: RequireAnyClientCert'), /a type that verifies/],
    [tls('client_ca_file: ca.pem', 'client_auth_type: RequestClientCert'), /a type that verifies/],
    [
      tls('client_ca_file: ca.pem', 'client_auth_type: VerifyClientCertIfGiven', 'client_allowed_sans: [a]'),
      /wanted RequireAndVerifyClientCert/
    ],
    [tls(...verified, 'client_allowed_sans: []'), /client_allowed_sans/],
    [tls(...verified, 'client_allowed_sans_regex: a'), /client_allowed_sans_regex: no such key/],
    [`${tls()}http_server_config: { http2: true }\n`, /http2: false/],
    [`${tls()}http_server_config: { headers: { X-Frame-Options: deny } }\n`, /headers: no headers/],
    ['tls_server_config: { key_file: key.pem }\n', /cert_file/]
  ]
  for (const [text, message] of cases) {
    writeFileSync(file, text)
    await t.rejects(readWebConfig(file), { code: 'invalid-config', message }, text)
  }
  await t.rejects(readWebConfig(join(directory, 'nowhere.yml')), { code: 'invalid-config' })
})

t.test(
  'what is accepted here, promtool accepts',
  { skip: !(await hasPromtool()) && 'no promtool' },
  async (t) => {
    const directory = t.testdir({})
    mkdirSync(join(directory, 'x'))
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=x']
    const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
    await runCommand(['openssl', 'req', '-x509', ...curve, '-keyout', key, '-out', cert], {
      timeoutMs: 20_000
    })
    writeFileSync(join(directory, 'ca.pem'), 'x')
    const file = join(directory, 'web.yml')
    const own = tls(...verified, 'min_version: TLS13')
      .replace('/etc/belay/key.pem', 'key.pem')
      .replace('ca.pem', 'cert.pem')
    writeFileSync(file, own)
    await readWebConfig(file)
    const said = await runCommand(['promtool', 'check', 'web-config', file], { timeoutMs: 20_000 })
    t.equal(said.code, 0, said.stderr + said.stdout)
  }
)

async function hasPromtool(): Promise<boolean> {
  return await runCommand(['promtool', '--version'], { timeoutMs: 20_000 }).then(
    ({ code }) => code === 0,
    () => false
  )
}
