import { clean } from '../../../shared/clean.ts'
import type { Issued } from '../../pki/records.ts'
import type { Standing } from '../../pki/standing.ts'
import type { Enrolled } from '../commands/pki-enroll.ts'
import type { Paint } from './text.ts'
import { duration, table } from './text.ts'

/** What an authority has signed. */
export interface PkiState {
  readonly authority: { readonly name: string; readonly until: string }
  readonly certificates: readonly (Issued & { readonly is: Standing })[]
}

const formats = { good: 'green', due: 'yellow', expired: 'red', revoked: 'dim', replaced: 'dim' } as const

/** Every certificate, the newest last. */
export function pkiView({ authority, certificates }: PkiState, now: number, paint: Paint): string {
  const head = `authority ${authority.name}, until ${authority.until}\n`
  if (certificates.length === 0) return `${head}nothing is signed yet\n`
  const rows = certificates.map((one) => [
    { text: one.name },
    { text: one.role ?? one.kind },
    { text: one.is, format: formats[one.is] },
    { text: one.is === 'good' || one.is === 'due' ? duration((Date.parse(one.until) - now) / 1000) : '-' },
    { text: one.serial },
    { text: one.file ?? '-' }
  ])
  return `${head}${table(['NAME', 'FOR', 'IS', 'LEFT', 'SERIAL', 'FILE'], rows, paint)}`
}

/** What was done to which certificates. */
export function issuedView(issued: readonly Issued[], what: string): string {
  if (issued.length === 0) return 'nothing is due; the revocation list is new\n'
  const line = ({ name, role, kind, until, serial, file }: Issued) => {
    const where = file === null ? '' : `; certificate and key in ${file}`
    return `${what}: ${name} (${role ?? kind}), until ${until}, serial ${serial}${where}\n`
  }
  return issued.map(line).join('')
}

/** What became of each host. */
export function enrolledView(hosts: readonly Enrolled[], paint: Paint): string {
  if (hosts.length === 0) return 'no host has a certificate\n'
  const line = ({ host, issued, error }: Enrolled) => {
    if (error !== null) return `${paint('red', '✖')} ${host}  ${clean(error.message)} [${error.code}]\n`
    const what = issued === null ? 'has the newest list' : `until ${issued.until}, serial ${issued.serial}`
    return `${paint('green', '✔')} ${host}  ${what}\n`
  }
  return hosts.map(line).join('')
}
