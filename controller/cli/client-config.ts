import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Static } from 'typebox'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { TlsEndpoint } from '../../shared/agent-client/endpoint.ts'
import { BelayError } from '../../shared/errors.ts'

const file = (description: string) => Type.Optional(Type.String({ description, minLength: 1 }))

/** How this person reaches a daemon on another machine. */
export const ClientConfig = Type.Object(
  {
    server: Type.Optional(
      Type.String({ description: 'Where belay serve listens', pattern: '^https://[^\\s/@]+/?$' })
    ),
    caFile: file('Authority of its certificate, PEM; without it those of the system'),
    certificateFile: file('Certificate to show, PEM'),
    keyFile: file('Its key, PEM; without it the key is in the file of the certificate'),
    tokenFile: file('File with a token, for who has no certificate')
  },
  { additionalProperties: false, description: 'Relative paths count from the file that they stand in' }
)
export type ClientConfig = Static<typeof ClientConfig>

type Env = Readonly<Record<string, string | undefined>>

const variables = {
  caFile: 'BELAY_CA_FILE',
  certificateFile: 'BELAY_CERTIFICATE_FILE',
  keyFile: 'BELAY_KEY_FILE',
  tokenFile: 'BELAY_TOKEN_FILE'
} as const

/** Where it is. */
export const clientConfigFile = (env: Env): string =>
  join(env.XDG_CONFIG_HOME || join(env.HOME ?? '/', '.config'), 'belay', 'client.json')

/** Reads `client.json`, which may be missing; variables of the environment go before it. Throws `invalid-config`. */
export async function readClientConfig(env: Env): Promise<ClientConfig> {
  const path = clientConfigFile(env)
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return '{}'
    throw new BelayError('invalid-config', `${path} cannot be read: ${cause.message}`, { cause, at: path })
  })
  const config = checked(text, path)
  const named = Object.entries(variables).flatMap(([key, variable]) => {
    const own = config[key as keyof typeof variables]
    if (env[variable]) return [[key, resolve(env[variable])]]
    return own === undefined ? [] : [[key, resolve(dirname(path), own)]]
  })
  return { ...config, ...Object.fromEntries(named) }
}

function checked(text: string, at: string): ClientConfig {
  let input: unknown
  try {
    input = JSON.parse(text)
  } catch (cause) {
    throw new BelayError('invalid-config', `${at} is not JSON`, { cause, at })
  }
  if (Value.Check(ClientConfig, input)) return input
  const [first] = Value.Errors(ClientConfig, input)
  const where = `${at}${first?.instancePath ?? ''}`
  throw new BelayError('invalid-config', `${where}: ${first?.message ?? 'wanted a map'}`, {
    found: input,
    wanted: `a map with ${Object.keys(ClientConfig.properties).join(', ')}`,
    at: where
  })
}

/** A server, with the files that tell it who asks. Throws where one of them cannot be used. */
export async function endpointOf(server: string, config: ClientConfig, now: number): Promise<TlsEndpoint> {
  const url = urlOf(server)
  const { caFile, certificateFile, keyFile = certificateFile, tokenFile } = config
  if (certificateFile === undefined && tokenFile === undefined) {
    const wanted =
      'certificateFile or tokenFile, in client.json or as BELAY_CERTIFICATE_FILE or BELAY_TOKEN_FILE'
    throw new BelayError('invalid-config', `${url.origin} must know who asks; wanted ${wanted}`, { wanted })
  }
  const certificate = certificateFile === undefined ? null : await readFor('certificate', certificateFile)
  const key = keyFile === undefined ? null : await readSecret('key', keyFile)
  if (certificate !== null) assertUsable(certificate, key ?? '', { at: certificateFile ?? '', now })
  return {
    url,
    authorities: caFile === undefined ? null : await readFor('authority', caFile),
    caFile: caFile ?? null,
    certificate,
    key,
    // Who has a certificate is judged by it alone.
    token:
      certificate === null && tokenFile !== undefined ? (await readSecret('token', tokenFile)).trim() : null
  }
}

function urlOf(server: string): URL {
  const url = URL.parse(server)
  if (url !== null && url.protocol === 'https:' && url.username === '' && url.pathname === '/') return url
  const wanted = 'a URL such as https://controller.example:9464'
  throw new BelayError('invalid-config', `${server}: wanted ${wanted}`, { found: server, wanted })
}

async function readFor(what: string, path: string): Promise<string> {
  return await readFile(path, 'utf8').catch((cause: Error) => {
    throw new BelayError('invalid-config', `the ${what} ${path} cannot be read: ${cause.message}`, {
      cause,
      at: path
    })
  })
}

/** A file that others may read is no secret. */
async function readSecret(what: string, path: string): Promise<string> {
  const text = await readFor(what, path)
  const { mode } = await stat(path)
  if ((mode & 0o077) === 0) return text
  const found = (mode & 0o777).toString(8)
  const hint = `others may read the ${what} ${path} (mode ${found}); say chmod 600 ${path}`
  throw new BelayError('invalid-config', hint, { found, wanted: '600', at: path })
}

/** What the server would refuse without being able to say why. */
function assertUsable(
  pem: string,
  key: string,
  { at, now }: { readonly at: string; readonly now: number }
): void {
  let until: Date
  try {
    const certificate = new X509Certificate(pem)
    if (!certificate.checkPrivateKey(createPrivateKey(key))) throw new Error('the key is that of another')
    until = certificate.validToDate
  } catch (cause) {
    const text = `${at} is no certificate with its key: ${(cause as Error).message}`
    throw new BelayError('certificate-unusable', text, { cause, at })
  }
  if (now <= until.getTime()) return
  const text = `your certificate ${at} expired; ask for another`
  throw new BelayError('certificate-expired', text, {
    found: until.toISOString(),
    at,
    wanted: 'belay pki renew'
  })
}
