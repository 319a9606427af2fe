import { createHash, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { SecureContextOptions } from 'node:tls'
import { createSecureContext } from 'node:tls'
import { BelayError } from '../../errors.ts'
import type { Revocations } from '../../x509/revocation-list.ts'

/** Where a listener's certificate and what it trusts are, PEM. */
export interface TlsFiles {
  /** The certificate, with those between it and the authority. */
  readonly certificateFile: string
  readonly keyFile: string
  /** Authorities whose certificates clients may show; null where none is asked for. */
  readonly clientCaFile: string | null
  /** What those authorities revoked. */
  readonly crlFile: string | null
}

/** Who may show a certificate, by what is on the disk now. */
export interface Trust {
  readonly authorities: readonly X509Certificate[]
  readonly revocations: Revocations | null
}

/** The files as they were read: what TLS is told, and what each request is judged by. */
export interface TlsMaterial {
  readonly secrets: SecureContextOptions
  readonly trust: Trust
  readonly certificate: X509Certificate
  /** Changes when one of the files does. */
  readonly fingerprint: string
}

const blocks = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g
const lists = /-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/g

/** The files as texts. */
export interface TlsTexts {
  readonly cert: string
  readonly key: string
  readonly ca: string | null
  readonly crl: string | null
}

/** Reads the files, and makes sure that they fit together, as {@link tlsMaterial} does. */
export async function readTlsFiles(files: TlsFiles, before: TlsMaterial | null = null): Promise<TlsMaterial> {
  return await tlsMaterial(await readTlsTexts(files), files, before)
}

/** What is in the files now, whatever it is. Throws `certificate-unusable` for one that cannot be read. */
export async function readTlsTexts(files: TlsFiles): Promise<TlsTexts> {
  const [cert, key, ca, crl] = await Promise.all([
    textOf(files.certificateFile),
    textOf(files.keyFile),
    files.clientCaFile === null ? null : textOf(files.clientCaFile),
    files.crlFile === null ? null : textOf(files.crlFile)
  ])
  return { cert, key, ca, crl }
}

/**
 * Makes sure that what is in the files fits together. Gives what was there before when nothing changed. Throws
 * `certificate-unusable`.
 */
export async function tlsMaterial(
  { cert, key, ca, crl }: TlsTexts,
  files: TlsFiles,
  before: TlsMaterial | null
): Promise<TlsMaterial> {
  const fingerprint = createHash('sha256').update([cert, key, ca, crl].join('\0')).digest('hex')
  if (before?.fingerprint === fingerprint) return before
  return { ...(await materialOf({ cert, key, ca, crl }, files)), fingerprint }
}

async function materialOf(
  { cert, key, ca, crl }: TlsTexts,
  files: TlsFiles
): Promise<Omit<TlsMaterial, 'fingerprint'>> {
  const [certificate] = certificatesOf(cert, files.certificateFile)
  const authorities = ca === null ? [] : certificatesOf(ca, files.clientCaFile ?? '')
  const secrets: SecureContextOptions = {
    cert,
    key,
    // Not one text: Node takes the first of what it is given.
    ...(ca === null ? {} : { ca: authorities.map(String) }),
    ...(crl === null ? {} : { crl: crl.match(lists) ?? [] })
  }
  try {
    createSecureContext(secrets)
  } catch (cause) {
    const text = `${files.certificateFile} and ${files.keyFile} are no certificate with its key`
    throw unusable(`${text}: ${(cause as Error).message}`, files.certificateFile, cause)
  }
  const revocations = crl === null ? null : await revocationsOf(crl, authorities, files.crlFile ?? '')
  return { secrets, trust: { authorities, revocations }, certificate }
}

async function textOf(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch((cause: Error) => {
    throw unusable(`${file} cannot be read: ${cause.message}`, file, cause)
  })
}

/** The certificates of a PEM text, at least one. Throws `certificate-unusable`, naming the file. */
export function certificatesOf(pem: string, file: string): [X509Certificate, ...X509Certificate[]] {
  try {
    const [first, ...more] = (pem.match(blocks) ?? []).map((block) => new X509Certificate(block))
    if (first !== undefined) return [first, ...more]
  } catch (cause) {
    throw unusable(`${file} has a certificate that cannot be read: ${(cause as Error).message}`, file, cause)
  }
  throw unusable(`${file} has no certificate`, file)
}

/** What reads revocation lists is loaded where there is one. */
async function revocationsOf(pem: string, authorities: readonly X509Certificate[], file: string) {
  const { readRevocations } = await import('../../x509/revocation-list.ts')
  try {
    return readRevocations(pem, authorities)
  } catch (cause) {
    throw unusable(`${file}: ${(cause as Error).message}`, file, cause)
  }
}

function unusable(text: string, at: string, cause?: unknown): BelayError {
  return new BelayError('certificate-unusable', text, { at, ...(cause === undefined ? {} : { cause }) })
}
