import { runCommand } from '../../../shared/command.ts'
import type { Check } from '../../preflight/check.ts'
import { check, unknown } from '../../preflight/check.ts'
import { judgeBaseline, judgeSecrets } from '../../preflight/secrets.ts'
import type { Decryptable } from '../../secrets/decryptable.ts'
import { decryptable } from '../../secrets/decryptable.ts'
import type { Run } from '../../secrets/identities.ts'
import { readNeeded } from '../nixos/needed-secrets.ts'
import { asUser } from './as-user.ts'

/** Seconds for one look into a home, which may lie on a network file system that is gone. */
const LIMIT = 10

/**
 * Whether the user can decrypt what the sops-nix of home-manager would install: of the candidate, and of the home that runs. Keys lie
 * where the user can write, so that only the user opens them.
 */
export function homeSecrets(user: string, run: Run = runCommand): readonly Check[] {
  const look = (storePath: string, signal: AbortSignal) => lookAtSecrets(user, storePath, run, signal)
  return [
    check({
      name: 'secrets',
      limitSeconds: 60,
      look: ({ storePath }, signal) => look(storePath, signal),
      judge: judgeSecrets
    }),
    check({
      name: 'baseline-secrets',
      limitSeconds: 60,
      look: async ({ seen }, signal) => (seen.running === null ? null : look(seen.running, signal)),
      judge: (found, { settings }) =>
        found === null
          ? unknown('no home runs here')
          : judgeBaseline(found, settings.preflight.baselineSecrets)
    })
  ]
}

async function lookAtSecrets(
  user: string,
  storePath: string,
  run: Run,
  signal: AbortSignal
): Promise<Decryptable> {
  const limits = ['--property=LogLevelMax=warning', '--property=TasksMax=16', '--wait', '--pipe', '--']
  const asThem: Run = (argv, options) => {
    const unit = [...asUser(user, null, LIMIT), ...limits]
    return run([...unit, ...argv], { ...options, timeoutMs: (LIMIT + 5) * 1000 })
  }
  const exists = async (path: string) =>
    (await asThem(['test', '-s', path], { timeoutMs: LIMIT * 1000, signal })).code === 0
  return decryptable(await readNeeded(storePath, { run: asThem, exists, signal, ofUser: true }))
}
