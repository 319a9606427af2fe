import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Static } from 'typebox'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { parse } from 'yaml'
import { BelayError } from '../../shared/errors.ts'
import type { TlsFiles } from '../../shared/server/tls/files.ts'
import type { TlsOptions } from '../../shared/server/tls/listener.ts'

const file = (description: string) => Type.String({ description, minLength: 1 })

/** What of a web-config file of the exporter toolkit is understood; anything else is refused, never ignored. */
const WebConfig = Type.Object(
  {
    tls_server_config: Type.Object(
      {
        cert_file: file('Certificate with the chain, PEM'),
        key_file: file('Its key, PEM'),
        client_auth_type: Type.Optional(
          Type.Enum(['NoClientCert', 'VerifyClientCertIfGiven', 'RequireAndVerifyClientCert'], {
            description: 'Whether clients must show a certificate'
          })
        ),
        client_ca_file: Type.Optional(file('Authorities of these, PEM')),
        client_allowed_sans: Type.Optional(
          Type.Array(Type.String({ minLength: 1 }), {
            description: 'One of these must stand in it',
            minItems: 1
          })
        ),
        min_version: Type.Optional(Type.Literal('TLS13', { description: 'Nothing older is spoken here' })),
        max_version: Type.Optional(Type.Literal('TLS13', { description: 'Nothing newer is known' }))
      },
      { additionalProperties: false, description: 'TLS' }
    ),
    http_server_config: Type.Optional(
      Type.Object(
        { http2: Type.Optional(Type.Literal(false, { description: 'HTTP/1.1 alone is spoken here' })) },
        { additionalProperties: false, description: 'HTTP' }
      )
    )
  },
  { additionalProperties: false, description: 'A web-config file of the exporter toolkit' }
)
type WebConfig = Static<typeof WebConfig>

/** Why what others understand is refused here. */
const notHere: Readonly<Record<string, string>> = {
  basic_auth_users: 'passwords are not supported here (bcrypt): use a client certificate',
  rate_limit: 'connections are limited by themselves here',
  cipher_suites: 'TLS 1.3 has its own ciphers',
  prefer_server_cipher_suites: 'TLS 1.3 has its own ciphers',
  curve_preferences: 'the curves are those of OpenSSL',
  headers: 'no headers are added here',
  cert: 'name a file: cert_file',
  key: 'name a file: key_file',
  client_ca: 'name a file: client_ca_file',
  min_version: 'TLS13: nothing older is spoken here',
  max_version: 'TLS13: nothing newer is known, and nothing older spoken',
  http2: 'false: HTTP/1.1 alone is spoken here',
  client_auth_type:
    'a type that verifies: RequireAndVerifyClientCert, VerifyClientCertIfGiven or NoClientCert'
}

/** What a web-config file wants of a listener. */
export interface ParsedWebConfig extends Pick<TlsOptions, 'clients'> {
  readonly files: Omit<TlsFiles, 'crlFile'>
  /** Of the names in a client's certificate one must be among these; null lets any in. */
  readonly allowed: readonly string[] | null
}

/** Reads a web-config file; paths in it count from where it is. Throws `invalid-config`. */
export async function readWebConfig(path: string): Promise<ParsedWebConfig> {
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw new BelayError('invalid-config', `${path} cannot be read: ${cause.message}`, { cause, at: path })
  })
  let input: unknown
  try {
    input = parse(text)
  } catch (cause) {
    throw new BelayError('invalid-config', `${path} is not YAML: ${(cause as Error).message}`, {
      cause,
      at: path
    })
  }
  if (!Value.Check(WebConfig, input)) throw refused(input, path)
  return meaningOf(input, path)
}

function meaningOf({ tls_server_config: tls }: WebConfig, path: string): ParsedWebConfig {
  const { client_auth_type: type = 'NoClientCert', client_ca_file: ca, client_allowed_sans: allowed } = tls
  const at = (name: string) => resolve(dirname(path), name)
  const wrong = (wanted: string) =>
    new BelayError('invalid-config', `${path}: wanted ${wanted}`, {
      found: tls,
      wanted,
      at: 'tls_server_config'
    })
  // As the toolkit has it.
  if (type === 'NoClientCert' && ca !== undefined)
    throw wrong('client_auth_type, since client_ca_file is there')
  if (type !== 'NoClientCert' && ca === undefined) throw wrong('client_ca_file, since clients are verified')
  if (allowed !== undefined && type !== 'RequireAndVerifyClientCert')
    throw wrong('RequireAndVerifyClientCert, since client_allowed_sans is there')
  const clients = {
    NoClientCert: 'none',
    VerifyClientCertIfGiven: 'optional',
    RequireAndVerifyClientCert: 'required'
  }
  return {
    clients: clients[type] as TlsOptions['clients'],
    files: {
      certificateFile: at(tls.cert_file),
      keyFile: at(tls.key_file),
      clientCaFile: ca === undefined ? null : at(ca)
    },
    allowed: allowed ?? null
  }
}

function refused(input: unknown, path: string): BelayError {
  const errors = Value.Errors(WebConfig, input)
  // An unknown key is reported at the key itself, too.
  const first = errors.find(({ keyword }) => keyword === 'boolean') ?? errors[0]
  const where = first?.instancePath.slice(1).replaceAll('/', '.') || 'the whole'
  const key = where.split('.').at(-1) ?? ''
  const wanted = notHere[key] ?? (first?.keyword === 'boolean' ? 'no such key' : (first?.message ?? 'a map'))
  return new BelayError('invalid-config', `${path}: ${where}: ${wanted}`, { found: where, wanted, at: path })
}
