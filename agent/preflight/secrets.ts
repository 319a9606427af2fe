import { lstat } from 'node:fs/promises'
import { runCommand } from '../../shared/command.ts'
import { ignoreMissing } from '../platform/nix/generations.ts'
import { readNeeded } from '../platform/nixos/needed-secrets.ts'
import type { Decryptable } from '../secrets/decryptable.ts'
import { decryptable } from '../secrets/decryptable.ts'
import type { Finding } from './check.ts'
import { byStrictness, check, fail, pass, unknown } from './check.ts'

/** This host can decrypt every secret of the candidate. Nothing is decrypted to find out. */
export const secrets = check({
  name: 'secrets',
  limitSeconds: 60,
  look: ({ storePath }, signal) => look(storePath, signal),
  judge: judgeSecrets
})

/** And every one of the running system, which a rollback would install again. */
export const baselineSecrets = check({
  name: 'baseline-secrets',
  limitSeconds: 60,
  look: async ({ seen }, signal) => (seen.running === null ? null : look(seen.running, signal)),
  judge: (found, { settings }) =>
    found === null ? unknown('no system runs here') : judgeBaseline(found, settings.preflight.baselineSecrets)
})

async function look(storePath: string, signal: AbortSignal): Promise<Decryptable> {
  const exists = async (path: string) => ((await lstat(path).catch(ignoreMissing(null)))?.size ?? 0) > 0
  return decryptable(await readNeeded(storePath, { run: runCommand, exists, signal, ofUser: false }))
}

export function judgeSecrets(found: Decryptable): Finding {
  const remedy =
    'make this host a recipient of it (sops updatekeys, or clan vars fix), build again; or bring its key back'
  return judge(found, (evidence) => fail('secret-undecryptable', evidence, remedy))
}

export function judgeBaseline(found: Decryptable, strictness: 'warn' | 'fail'): Finding {
  const remedy =
    'bring the key back with which this system was activated; where it is lost, set preflight.baselineSecrets to warn'
  const code = 'baseline-secret-undecryptable'
  return judge(found, (evidence) =>
    byStrictness(strictness, code, `rollback would fail: ${evidence}`, remedy)
  )
}

function judge(found: Decryptable, failed: (evidence: string) => Finding): Finding {
  const { files, secrets: count, templates, closed, untold, own } = found
  if (files === 0) return pass('no secrets of sops are declared')
  if (closed.length > 0) {
    const more = closed.length > 1 ? ` (and ${closed.length - 1} more)` : ''
    return failed(`${closed[0]}${more}; this host has ${own.join(', ') || 'no key'}`)
  }
  if (untold.length > 0) return unknown(untold.slice(0, 2).join('; '))
  const rendered = templates > 0 ? `; ${templates} templates are rendered with them` : ''
  return pass(`${count} secrets in ${files} files, all for this host${rendered}`)
}
