import { Type } from 'typebox'
import type { Finding } from './kind.ts'
import { defineNetworkKind, hostName, orNull, path, port, unknown } from './kind.ts'
import { unbracket } from './reach.ts'

const DAY_SECONDS = 86_400
const MAX_BYTES = 1024 * 1024
const BEGIN = '-----BEGIN CERTIFICATE-----'
const END = '-----END CERTIFICATE-----'

/** How long a certificate is still valid, of a PEM file or of a server. */
export const certificateExpiryKind = defineNetworkKind({
  options: {
    file: orNull(path('PEM file; of several certificates the first to expire counts')),
    server: orNull(
      Type.Object(
        {
          host: hostName('Name or address'),
          port: port(443),
          name: orNull(hostName('Name to ask for (SNI)'))
        },
        {
          additionalProperties: false,
          description: 'TLS server whose certificate is looked at, trusted or not'
        }
      )
    ),
    warnDays: Type.Integer({
      minimum: 0,
      maximum: 3650,
      description: 'Warns with fewer days left',
      default: 21
    }),
    failDays: Type.Integer({
      minimum: 0,
      maximum: 3650,
      description: 'Fails with fewer days left',
      default: 7
    })
  },
  gives: { measures: null, unit: 'seconds' },
  problem: ({ file, server }) =>
    (file === null) === (server === null) ? 'wanted either file or server' : null,
  overNetwork: ({ server }) => server !== null,
  begin:
    ({ file, server, ...days }) =>
    async ({ root, now, signal }) => {
      const ends =
        file !== null
          ? await endsOfFile(root + file)
          : [
              await endOfServer(
                unbracket(server?.host ?? ''),
                server?.port ?? 443,
                server?.name ?? null,
                signal
              )
            ]
      if (ends.length === 0) return unknown(`no certificate in ${file}`)
      return judgeExpiry(Math.min(...ends), now(), days)
    }
})

/** Seconds left, judged by days. */
export function judgeExpiry(
  endsAt: number,
  now: number,
  { warnDays, failDays }: { readonly warnDays: number; readonly failDays: number }
): Finding {
  if (!Number.isFinite(endsAt)) return unknown('the certificate has no date')
  const value = (endsAt - now) / 1000
  const message = `valid until ${new Date(endsAt).toISOString()}, ${Math.floor(value / DAY_SECONDS)} days left`
  if (value < failDays * DAY_SECONDS) return { result: 'fail', value, message }
  return { result: value < warnDays * DAY_SECONDS ? 'warn' : 'pass', value, message }
}

/** When each certificate of a PEM text ends, in milliseconds since the epoch. */
export async function endsOf(text: string): Promise<readonly number[]> {
  const { X509Certificate } = await import('node:crypto')
  // Not by a pattern: of many beginnings without an end each would be followed through all of the text.
  return text.split(BEGIN).flatMap((after, i) => {
    const end = i === 0 ? -1 : after.indexOf(END)
    if (end < 0) return []
    return [Date.parse(new X509Certificate(`${BEGIN}${after.slice(0, end)}${END}`).validTo)]
  })
}

async function endsOfFile(file: string): Promise<readonly number[]> {
  const { open } = await import('node:fs/promises')
  await using handle = await open(file)
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0)
  return endsOf(buffer.toString('latin1', 0, bytesRead))
}

async function endOfServer(
  host: string,
  port: number,
  name: string | null,
  signal: AbortSignal
): Promise<number> {
  const { connect } = await import('node:tls')
  return new Promise((resolve, reject) => {
    // Whether it is trusted is not the question here, and must not keep the answer back.
    const socket = connect({ host, port, rejectUnauthorized: false, servername: name ?? sni(host) })
    const abort = () => socket.destroy(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    socket.once('secureConnect', () => {
      resolve(Date.parse(socket.getPeerCertificate().valid_to))
      socket.destroy()
    })
    socket.once('error', reject)
    socket.once('close', () => signal.removeEventListener('abort', abort))
  })
}

/** An address may not be asked for by name. */
const sni = (host: string) => (/^[\d.]+$|:/.test(host) ? '' : host)
