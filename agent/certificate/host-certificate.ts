import type { X509Certificate } from 'node:crypto'
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { CertificateInstall, HostCertificate } from '../../shared/api/certificate.ts'
import { durableFolder, durableWrite } from '../../shared/durable-write.ts'
import { BelayError } from '../../shared/errors.ts'
import type { TlsFiles } from '../../shared/server/tls/files.ts'
import { certificatesOf, readTlsFiles } from '../../shared/server/tls/files.ts'
import { identityOf } from '../../shared/x509/identity.ts'
import type { Settings } from '../config/settings.ts'

/** Certificate and key are in one file, authorities and their lists in another: each is replaced in one step. */
export function certificateFiles({ stateDirectory }: Pick<Settings, 'stateDirectory'>) {
  const directory = join(stateDirectory, 'certificate')
  const [own, trust] = [join(directory, 'host.pem'), join(directory, 'trust.pem')]
  const tls: TlsFiles = { certificateFile: own, keyFile: own, clientCaFile: trust, crlFile: trust }
  return { directory, own, trust, tls, pending: join(directory, 'pending.key') }
}

/** The certificate of this host. The key is made here and leaves nowhere. */
export class HostCertificates {
  readonly #settings: Pick<Settings, 'stateDirectory' | 'hostName'>
  readonly #now: () => number

  constructor(settings: Pick<Settings, 'stateDirectory' | 'hostName'>, now: () => number) {
    this.#settings = settings
    this.#now = now
  }

  /** What the host has; null where nothing was ever installed. Throws `certificate-unusable` for what cannot be used. */
  async view(): Promise<HostCertificate | null> {
    const { own, tls } = certificateFiles(this.#settings)
    const there = await readFile(own).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return false
        throw error
      }
    )
    if (!there) return null
    const { certificate, trust } = await readTlsFiles(tls)
    return {
      serial: certificate.serialNumber,
      from: certificate.validFromDate.toISOString(),
      until: certificate.validToDate.toISOString(),
      listUntil: new Date(trust.revocations?.until ?? 0).toISOString()
    }
  }

  /** Makes a key, and asks for a certificate. The one in use stays until another is installed. */
  async request(): Promise<string> {
    const { makeRequest } = await import('../../shared/x509/request.ts')
    const { directory, pending } = certificateFiles(this.#settings)
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    await durableFolder(directory, 0o700)
    await durableWrite(pending, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
    return makeRequest(privateKey, this.#settings.hostName)
  }

  /** Takes what an authority signed, when it is for this host and for the key that was made last. */
  async install({
    certificate,
    authorities,
    revocations
  }: CertificateInstall): Promise<HostCertificate | null> {
    const { readRevocations } = await import('../../shared/x509/revocation-list.ts')
    const { directory, own, trust, pending } = certificateFiles(this.#settings)
    const trusted = certificatesOf(authorities, 'authorities')
    const list = readRevocations(revocations, trusted)
    if (this.#now() > list.until) throw unusable('a revocation list that has not expired')
    await durableFolder(directory, 0o700)
    const key = certificate === undefined ? null : await this.#judge(certificate, trusted)
    await durableWrite(trust, `${authorities.trim()}\n${revocations}`)
    if (certificate !== undefined && key !== null) {
      await durableWrite(own, `${certificate.trim()}\n${key}`)
      await rm(pending, { force: true })
    }
    return await this.view()
  }

  /** The key of a certificate that this host may use. */
  async #judge(pem: string, authorities: readonly X509Certificate[]): Promise<string> {
    const [certificate] = certificatesOf(pem, 'certificate')
    const key = await readFile(certificateFiles(this.#settings).pending, 'utf8').catch(() => null)
    if (key === null) throw unusable('a request before it: POST /v1/certificate/request')
    if (!certificate.checkPrivateKey(createPrivateKey(key)))
      throw unusable('one for the key that was made last')
    const identity = identityOf(certificate)
    if (identity?.kind !== 'host' || identity.name !== this.#settings.hostName)
      throw unusable(`belay://host/${this.#settings.hostName} in it`, certificate.subjectAltName)
    if (!authorities.some((one) => certificate.checkIssued(one) && certificate.verify(one.publicKey)))
      throw unusable('one that an authority beside it signed', certificate.issuer)
    if (this.#now() > certificate.validToDate.getTime()) throw unusable('one that has not expired')
    return key
  }
}

function unusable(wanted: string, found?: unknown): BelayError {
  const text = `the certificate is not for this host; wanted ${wanted}`
  return new BelayError('certificate-unusable', text, { wanted, found })
}
