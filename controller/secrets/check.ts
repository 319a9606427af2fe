import { lstat, readFile } from 'node:fs/promises'
import { recipientOf } from '../../shared/secrets/age.ts'
import { MAX_SOPS_BYTES } from '../../shared/secrets/sops.ts'
import type { Evaluate } from '../inventory/evaluate.ts'
import { flakeFolder } from '../inventory/flake-folder.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import type { SecretsPolicy } from '../inventory/pipeline-schema.ts'
import { clanProblems } from './clan-judge.ts'
import { readClanTree } from './clan-tree.ts'
import { readDeclared } from './evaluated.ts'
import type { SecretProblem } from './problem.ts'
import { problem } from './problem.ts'
import { declaredProblems, folderProblems } from './sops-problems.ts'
import { openTree } from './tree.ts'

/** What a look at the secrets of a repository needs. */
export interface SecretsCheckOptions {
  readonly flake: string
  readonly policy: SecretsPolicy
  readonly hosts: readonly FleetHost[]
  /** Names of every host of the fleet. */
  readonly known: readonly string[]
  /** Null where nothing is evaluated. */
  readonly evaluate: Evaluate | null
}

/** What was looked at, and what is wrong. */
export interface SecretsReport {
  readonly ok: boolean
  /** Files that were read, by where they were found. */
  readonly looked: {
    readonly clan: number
    readonly declared: number
    readonly directories: readonly string[]
  }
  readonly problems: readonly SecretProblem[]
}

/** Looks at the secrets of a repository. Nothing is decrypted, and no link is followed. */
export async function checkSecrets(options: SecretsCheckOptions): Promise<SecretsReport> {
  const { flake, policy, hosts, known, evaluate } = options
  const folder = flakeFolder(flake)
  const tree = folder === null ? null : openTree(folder)
  const clan = tree === null ? null : await readClanTree(tree)
  const keyed = hosts.map(({ name, recipients }) => ({ name, recipients: recipients.map(recipientOf) }))
  const problems = clan === null ? [] : clanProblems(clan, keyed, known)
  const directories = policy.directories ?? []
  for (const path of directories) {
    if (tree === null) problems.push(problem('unreadable', path, `${flake} is no folder on this machine`))
    else if ((await tree.list(path)).length === 0)
      problems.push(problem('unreadable', path, 'there is no such folder, or nothing in it'))
    else problems.push(...(await folderProblems(tree, path)))
  }
  let declared = 0
  for (const { name, recipients } of evaluate === null ? [] : keyed) {
    const installable = hosts.find((host) => host.name === name)?.installable ?? ''
    const secrets = await readDeclared(installable, evaluate as Evaluate)
    declared += secrets.length
    const keys = recipients.length > 0 ? recipients : (clan?.machines.get(name) ?? [])
    if (secrets.length > 0 && keys.length === 0) {
      const text = `it declares secrets, and no key is known: hosts.${name}.recipients in the fleet file`
      problems.push(problem('host-without-key', `hosts.${name}`, text, name))
    }
    problems.push(...(await declaredProblems(name, keys, secrets, readPlainFile)))
  }
  const ok = problems.every(({ severity }) => severity === 'warning')
  return { ok, looked: { clan: clan?.secrets.length ?? 0, declared, directories }, problems }
}

async function readPlainFile(path: string): Promise<string | null> {
  const kind = await lstat(path).catch(() => null)
  return kind?.isFile() === true && kind.size <= MAX_SOPS_BYTES ? readFile(path, 'utf8') : null
}
