import type { KeyObject } from 'node:crypto'
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { durableCreate, durableFolder, durableWrite } from '../../shared/durable-write.ts'
import { BelayError, codeOf } from '../../shared/errors.ts'
import type { ApiRole } from '../../shared/server/role.ts'
import { identityUri, namePattern } from '../../shared/x509/identity.ts'
import { lockDirectory } from '../store/open.ts'
import type { RevocationReason } from './reasons.ts'
import type { Issued, Records } from './records.ts'
import { readRecords, writeRecords } from './records.ts'
import type { Signer } from './sign.ts'
import { signAuthority, signLeaf } from './sign.ts'
import { signRevocations } from './sign-revocations.ts'

/** What somebody wants a certificate for. */
export interface Wanted extends Pick<Issued, 'kind' | 'name' | 'role' | 'file'> {
  readonly dns: readonly string[]
  readonly addresses: readonly string[]
  readonly key: KeyObject
  readonly days: number
}

/** An authority, locked for whoever has it open. */
export interface Authority extends Disposable {
  readonly name: string
  readonly certificate: X509Certificate
  readonly issued: readonly Issued[]
  /** Signs a certificate; on record when this resolves. */
  issue(wanted: Wanted): Promise<{ readonly issued: Issued; readonly pem: string }>
  /** It is where it belongs: those before it are due no more. Until then they are, whatever became of this one. */
  delivered(issued: Issued): Promise<void>
  /** Ends the certificates of a serial number or a name, and writes the list. Throws `certificate-unknown`. */
  revoke(target: string, reason: RevocationReason): Promise<readonly Issued[]>
  /** Signs a new revocation list and writes it. */
  writeList(): Promise<string>
}

const DAY_MS = 86_400_000
/** Clocks of those who check may be behind. */
const SKEW_MS = 300_000
/** Days for which a revocation list holds: twice what a certificate does, so that a renewal in time replaces it in time. */
const LIST_DAYS = 60

/** Files of an authority. The key is for its owner alone, the others may be read by everybody. */
export const authorityFiles = (directory: string) => ({
  key: join(directory, 'ca.key'),
  certificate: join(directory, 'ca.pem'),
  list: join(directory, 'crl.pem')
})

/** A new key: on the curve P-256, as all here. */
export const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
export const keyPem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString()

/** Makes an authority. Throws `invalid-request` where there is one. */
export async function initAuthority(
  directory: string,
  { name, years, now }: { readonly name: string; readonly years: number; readonly now: number }
): Promise<void> {
  await durableFolder(directory, 0o755)
  using _ = await lockDirectory(directory, 'pki.lock', `another belay is at work in ${directory}`)
  const files = authorityFiles(directory)
  const there = await readRecords(directory).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'authority-missing') return false
      throw error
    }
  )
  if (there) {
    const text = `an authority is in ${directory} already; one is never made anew over another`
    throw new BelayError('invalid-request', text, { found: directory, wanted: 'another --pki' })
  }
  // The key first, the records last: of one that was cut off here the key is left, with which nothing was signed.
  await durableCreate(files.key, keyPem(newKey()))
  const key = createPrivateKey(await readFile(files.key))
  const period = { from: now - SKEW_MS, until: now + years * 365 * DAY_MS }
  await durableWrite(files.certificate, signAuthority({ key, name }, period).pem, 0o644)
  await writeRecords(directory, { format: 1, name, lists: 0, certificates: [] })
}

/** A file without which nothing can be signed. Throws `authority-missing`, where one of them is gone. */
async function readPart(file: string): Promise<Buffer> {
  return await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause
    const wanted = 'a copy of this file, or another authority with belay pki init --pki'
    throw new BelayError('authority-missing', `${file} is gone; wanted ${wanted}`, {
      cause,
      at: file,
      wanted
    })
  })
}

/** Opens an authority. Throws `authority-missing`, or `store-locked` while another command has it open. */
export async function openAuthority(directory: string, now: () => number): Promise<Authority> {
  let records = await readRecords(directory)
  const lock = await lockDirectory(directory, 'pki.lock', `another belay is at work in ${directory}`)
  try {
    // Again, now that nobody else writes it.
    records = await readRecords(directory)
    const files = authorityFiles(directory)
    const key = createPrivateKey(await readPart(files.key))
    const certificate = new X509Certificate(await readPart(files.certificate))
    if (!certificate.checkPrivateKey(key)) {
      const text = `${files.key} is not the key of ${files.certificate}`
      throw new BelayError('certificate-unusable', text, { at: files.key })
    }
    const signer: Signer = { key, name: records.name }
    const save = async (next: Records) => {
      await writeRecords(directory, next)
      records = next
    }
    const writeList = () => listOf(signer, records, { now: now(), save, file: files.list, certificate })
    return {
      name: records.name,
      certificate,
      get issued() {
        return records.certificates
      },
      issue: (wanted) => issue(signer, wanted, { now: now(), certificate, records, save }),
      delivered: (issued) => {
        const certificates = records.certificates.map((one) =>
          isBefore(one, issued) ? { ...one, replaced: true } : one
        )
        return save({ ...records, certificates })
      },
      async revoke(target, reason) {
        const at = new Date(now()).toISOString()
        const ended = records.certificates.filter((one) => isMeant(one, target))
        if (ended.length === 0) throw unknown(target)
        const certificates = records.certificates.map((one) =>
          ended.includes(one) ? { ...one, revoked: { at, reason } } : one
        )
        await save({ ...records, certificates })
        await writeList()
        return certificates.filter(({ revoked }) => revoked?.at === at)
      },
      writeList,
      [Symbol.dispose]: () => lock[Symbol.dispose]()
    }
  } catch (error) {
    lock[Symbol.dispose]()
    throw error
  }
}

interface At {
  readonly now: number
  readonly certificate: X509Certificate
  readonly save: (records: Records) => Promise<void>
}

async function issue(
  signer: Signer,
  wanted: Wanted,
  { now, certificate, records, save }: At & { records: Records }
) {
  const { kind, name, role, file, key, days } = wanted
  const [dns, addresses] = [[...wanted.dns], [...wanted.addresses]]
  if (!namePattern.test(name)) {
    const text = `${JSON.stringify(name)} cannot stand in a certificate`
    throw new BelayError('invalid-request', text, {
      found: name,
      wanted: 'letters, digits and ._@-, at most 63'
    })
  }
  const authorityUntil = certificate.validToDate.getTime()
  const period = { from: now - SKEW_MS, until: Math.min(now + days * DAY_MS, authorityUntil) }
  if (period.until <= now) {
    const text = `the authority ${signer.name} expired; make another with belay pki init --pki`
    throw new BelayError('certificate-expired', text, { found: certificate.validToDate.toISOString() })
  }
  const uri = uriOf(kind, role, name)
  const usage = { role: ['client'], host: ['server', 'client'], server: ['server'] } as const
  const { pem, serial } = signLeaf(signer, {
    ...{ name, key, usage: usage[kind], dns, addresses, ...period },
    ...(uri === null ? {} : { uri })
  })
  const issued: Issued = {
    ...{ serial, kind, name, role, dns, addresses, file, replaced: false, revoked: null },
    from: new Date(period.from).toISOString(),
    until: new Date(period.until).toISOString()
  }
  await save({ ...records, certificates: [...records.certificates, issued] })
  return { issued, pem }
}

function uriOf(kind: Issued['kind'], role: ApiRole | null, name: string): string | null {
  if (kind === 'host') return identityUri({ kind, name })
  return kind === 'role' && role !== null ? identityUri({ kind, role, name }) : null
}

/** The list's number is on record before the list is: no two lists have one number. */
async function listOf(
  signer: Signer,
  records: Records,
  { now, save, file, certificate }: At & { readonly file: string }
): Promise<string> {
  await save({ ...records, lists: records.lists + 1 })
  const revoked = records.certificates.flatMap(({ serial, revoked: end }) =>
    end === null ? [] : [{ serial, at: Date.parse(end.at), reason: end.reason as RevocationReason }]
  )
  const until = Math.min(now + LIST_DAYS * DAY_MS, certificate.validToDate.getTime())
  const period = { from: now - SKEW_MS, until, number: records.lists + 1 }
  const pem = signRevocations(signer, revoked, period)
  await durableWrite(file, pem, 0o644)
  return pem
}

const isBefore = ({ serial, kind, name, role }: Issued, by: Issued) =>
  serial !== by.serial && kind === by.kind && name === by.name && role === by.role

function isMeant({ serial, name, revoked }: Issued, target: string): boolean {
  return revoked === null && (serial === target.toUpperCase() || name === target)
}

function unknown(target: string): BelayError {
  const text = `no certificate that counts has the name or serial number ${JSON.stringify(target)}`
  return new BelayError('certificate-unknown', text, { found: target, wanted: 'one of belay pki status' })
}
