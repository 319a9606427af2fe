import { createPublicKey } from 'node:crypto'
import { existsSync } from 'node:fs'
import { access, constants, readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { durableCreate, durableFolder, durableWrite } from '../../../shared/durable-write.ts'
import { BelayError, codeOf, describeError } from '../../../shared/errors.ts'
import type { ApiRole } from '../../../shared/server/role.ts'
import { readRequest } from '../../../shared/x509/request.ts'
import type { Authority, Wanted } from '../../pki/authority.ts'
import { keyPem, newKey } from '../../pki/authority.ts'
import type { Issued } from '../../pki/records.ts'
import { daysOf, standingOf } from '../../pki/standing.ts'
import type { GlobalOptions } from '../wiring.ts'

/** Options of every `belay pki` command. */
export interface PkiOptions extends GlobalOptions {
  readonly pki: string
}

/** Options of `belay pki issue`. */
export interface IssueOptions extends PkiOptions {
  readonly role?: ApiRole
  readonly dns?: readonly string[]
  readonly ip?: readonly string[]
  readonly days: number
  readonly out: string
  /** Sign this, whose key was made elsewhere. */
  readonly request?: string
}

/** A certificate for a person or program with a role, or for a server. */
export async function issueToFile(
  authority: Authority,
  name: string,
  options: IssueOptions
): Promise<Issued> {
  const { role, dns = [], ip = [], days, request } = options
  if ((role === undefined) === (dns.length + ip.length === 0)) {
    const wanted = 'either --role, for who calls, or --dns and --ip, for what is called'
    throw new BelayError('invalid-request', `which certificate? wanted ${wanted}`, { wanted })
  }
  const kind = role === undefined ? 'server' : 'role'
  const file = resolve(options.out, `${name}.pem`)
  if (existsSync(file)) throw exists(file)
  const wanted = { kind, name, role: role ?? null, dns, addresses: ip, days } as const
  await durableFolder(dirname(file), 0o700)
  if (request === undefined) return await withNewKey(authority, { ...wanted, file }, durableCreate)
  const key = readRequest(await readText(request))
  const { issued, pem } = await authority.issue({ ...wanted, key, file: null })
  if (!(await durableCreate(file, pem, 0o644))) throw exists(file)
  await authority.delivered(issued)
  return issued
}

/**
 * Gives those whose half of life is over another certificate with another key, in one file: there is no moment at which
 * key and certificate do not fit. Gives what was made, and what could not be, which keeps none of the others back; those
 * whose key lies elsewhere are left out.
 */
export async function renewFiles(
  authority: Authority,
  names: readonly string[],
  now: number
): Promise<{ readonly made: readonly Issued[]; readonly failed: readonly BelayError[] }> {
  const made: Issued[] = []
  const failed: BelayError[] = []
  for (const { serial } of authority.issued) {
    // As it is now: what was just made may have replaced it.
    const one = authority.issued.find((each) => each.serial === serial)
    if (one === undefined) continue
    const standing = standingOf(one, now)
    const wanted = names.length > 0 ? names.includes(one.name) : standing === 'due' || standing === 'expired'
    if (!wanted || one.file === null || standing === 'replaced' || standing === 'revoked') continue
    const wantedAgain = { ...one, file: one.file, days: daysOf(one) }
    await withNewKey(authority, wantedAgain, durableWrite).then(
      (issued) => made.push(issued),
      (error: unknown) =>
        failed.push(new BelayError(codeOf(error), `${one.name}: ${describeError(error)}`, { cause: error }))
    )
  }
  return { made, failed }
}

async function withNewKey(
  authority: Authority,
  wanted: Omit<Wanted, 'key'> & { readonly file: string },
  write: (path: string, text: string, mode: number) => Promise<unknown>
): Promise<Issued> {
  // Before anything is signed: a folder that is not ours would have one on record each day.
  await access(dirname(wanted.file), constants.W_OK)
  const key = newKey()
  const { issued, pem } = await authority.issue({ ...wanted, key: createPublicKey(key) })
  if ((await write(wanted.file, `${pem}${keyPem(key)}`, 0o600)) === false) throw exists(wanted.file)
  await authority.delivered(issued)
  return issued
}

async function readText(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch((cause: Error) => {
    throw new BelayError('invalid-request', `${file} cannot be read: ${cause.message}`, { cause, at: file })
  })
}

function exists(file: string): BelayError {
  const wanted = 'belay pki renew, or another --out'
  return new BelayError('invalid-request', `${file} is there already`, { found: file, wanted })
}
