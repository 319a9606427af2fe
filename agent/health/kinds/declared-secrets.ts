import { closureCommand, readManifests } from '../../platform/nixos/needed-secrets.ts'
import type { Manifest } from '../../secrets/manifest.ts'
import type { Finding } from './kind.ts'
import { defineKind, unknown, yesOrNo } from './kind.ts'
import { flawOf, judgeSecrets, parseNumbers } from './secrets-present.ts'

/**
 * Every secret that the running system declares to sops-nix, and every file rendered with them, is where it is wanted, with owner, group and mode. Their
 * contents are never read.
 */
export const declaredSecretsKind = defineKind({
  options: {},
  gives: yesOrNo,
  begin: () => {
    // A generation does not change: its manifests are looked for once.
    let known: { readonly system: string; readonly manifests: readonly Manifest[] } | null = null
    return async ({ root, signal, observe, run }) => {
      const { running } = await observe()
      if (running === null) return unknown('no system runs here')
      if (known?.system !== running) {
        const { code, stdout, stderr } = await run(closureCommand(running), { maxOutput: 32 * 1024 * 1024 })
        if (code !== 0) return unknown(`nix-store ended with ${code}: ${stderr.trim().slice(-200)}`)
        known = { system: running, manifests: await readManifests(stdout.split('\n')) }
      }
      return findFlaws(known.manifests, root, signal)
    }
  }
})

/** Looks at every secret of some manifests below a root. */
export async function findFlaws(
  manifests: readonly Manifest[],
  root: string,
  signal: AbortSignal
): Promise<Finding> {
  const { readFile, realpath, lstat } = await import('node:fs/promises')
  const numbers = async (file: string) =>
    parseNumbers(await readFile(`${root}/etc/${file}`, 'utf8').catch(() => ''))
  const [users, groups] = await Promise.all([numbers('passwd'), numbers('group')])
  const flaws: (string | null)[] = []
  // Those of a home are where its user has a runtime directory, which nobody knows here.
  for (const { secrets, templates, secretsMountPoint } of manifests.filter(({ ofUser }) => !ofUser)) {
    // /run is a link on macOS.
    const mount = await realpath(root + secretsMountPoint).catch(() => root + secretsMountPoint)
    for (const secret of [...secrets, ...templates]) {
      signal.throwIfAborted()
      const real = await realpath(root + secret.path).catch(codeOf)
      if (real instanceof Error) flaws.push(flawOf(secret, real.message, users, groups))
      // The links of sops-nix lead to its mount; any other place is not the secret.
      else if (!real.startsWith(`${mount}/`)) flaws.push(`${secret.path} leads out of ${secretsMountPoint}`)
      else flaws.push(flawOf(secret, await lstat(real), users, groups))
    }
  }
  return judgeSecrets(flaws)
}

const codeOf = (error: NodeJS.ErrnoException) => new Error(error.code ?? 'error')
