import { BelayError } from '../../shared/errors.ts'
import type { Authority } from '../pki/authority.ts'
import type { Issued } from '../pki/records.ts'
import { standingOf } from '../pki/standing.ts'
import type { PkiOptions } from './commands/pki.ts'
import type { EnrollOptions } from './commands/pki-enroll.ts'
import type { PkiActions } from './pki.ts'
import { enrolledView, issuedView, pkiView } from './views/pki.ts'
import type { ExitCode, Terminal, Wiring } from './wiring.ts'
import { exitCodes } from './wiring.ts'

/** Each action of the authority. What reads and signs certificates is loaded when one is called. */
export function pkiActions(
  wiring: Wiring,
  { out, paint }: Terminal,
  exit: (code: ExitCode) => void
): PkiActions {
  const { clock } = wiring
  const json = (value: unknown) => out(`${JSON.stringify(value, null, 2)}\n`)
  const withAuthority = async <T>(
    { pki }: PkiOptions,
    act: (authority: Authority) => Promise<T>
  ): Promise<T> => {
    const { openAuthority } = await import('../pki/authority.ts')
    using authority = await openAuthority(pki, clock.now)
    return await act(authority)
  }
  const show = (issued: readonly Issued[], what: string, asJson?: boolean) => {
    if (asJson) json({ certificates: issued })
    else out(issuedView(issued, what))
  }
  const enrolled = async (names: readonly string[], options: EnrollOptions) => {
    const { enroll } = await import('./commands/pki-enroll.ts')
    return await withAuthority(options, (authority) => enroll(authority, names, options, wiring))
  }
  return {
    async pkiInit({ pki, name, years, json: asJson }) {
      const { authorityFiles, initAuthority } = await import('../pki/authority.ts')
      await initAuthority(pki, { name, years, now: clock.now() })
      await withAuthority({ pki, fleet: '' }, (authority) => authority.writeList())
      const files = authorityFiles(pki)
      if (asJson) return json(files)
      out(
        `authority: ${files.certificate}\nrevocation list: ${files.list}\nkey, for nobody else: ${files.key}\n`
      )
    },
    async pkiIssue(name, options) {
      const { issueToFile } = await import('./commands/pki.ts')
      const issued = await withAuthority(options, (authority) => issueToFile(authority, name, options))
      show([issued], 'signed', options.json)
    },
    async pkiEnroll(names, options) {
      const hosts = await enrolled(names, options)
      if (options.json) json({ hosts })
      else out(enrolledView(hosts, paint))
      if (hosts.some(({ ok }) => !ok)) exit(exitCodes.failed)
    },
    async pkiRenew(names, options) {
      const { renewFiles } = await import('./commands/pki.ts')
      const { made, failed } = await withAuthority(options, async (authority) => {
        // First: nothing that fails behind it may keep the list from being there in time.
        await authority.writeList()
        return await renewFiles(authority, names, clock.now())
      })
      if (!options.json && (made.length > 0 || failed.length === 0)) show(made, 'renewed')
      // Whatever became of the files: no host waits for them.
      const hosts = options.hosts ? await enrolled([], { ...options, due: true, days: 30 }) : null
      if (options.json) json({ certificates: made, ...(hosts === null ? {} : { hosts }) })
      else if (hosts !== null) out(enrolledView(hosts, paint))
      if (hosts?.some(({ ok }) => !ok)) exit(exitCodes.failed)
      if (failed[0] !== undefined)
        throw new BelayError(failed[0].code, failed.map(({ message }) => message).join('\n'))
    },
    async pkiRevoke(target, options) {
      const ended = await withAuthority(options, (authority) => authority.revoke(target, options.reason))
      show(ended, 'revoked', options.json)
    },
    async pkiStatus(options) {
      const { state, due } = await withAuthority(options, async ({ name, certificate, issued }) => {
        const certificates = issued.map((one) => ({ ...one, is: standingOf(one, clock.now()) }))
        const until = certificate.validToDate.toISOString()
        const open = certificates.some(({ is }) => is === 'due' || is === 'expired')
        return { state: { authority: { name, until }, certificates }, due: open }
      })
      if (options.json) json(state)
      else out(pkiView(state, clock.now(), paint))
      if (due) exit(exitCodes.failed)
    }
  }
}
