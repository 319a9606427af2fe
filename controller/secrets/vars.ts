import { BelayError } from '../../shared/errors.ts'
import { recipientOf } from '../../shared/secrets/age.ts'
import type { Run } from '../build/run.ts'
import { endOfLog } from '../build/run.ts'
import { flakeFolder } from '../inventory/flake-folder.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import { clanProblems } from './clan-judge.ts'
import { readClanTree } from './clan-tree.ts'
import type { SecretProblem } from './problem.ts'
import { openTree } from './tree.ts'

/** What the tree has for one host, after clan has done its part. */
export interface VarsOfHost {
  readonly secrets: number
  readonly problems: readonly SecretProblem[]
}

export interface VarsPorts {
  readonly run: Run
  readonly signal: AbortSignal
  readonly onLine: (line: string) => void
}

/** Milliseconds: a generator may make a large key, and none may wait for a person. */
const CLAN_MS = 10 * 60_000

/**
 * Lets clan generate or check the variables of a host, then looks at its tree. Whatever asks a person finds no terminal and an
 * ended input. Throws `vars-failed`.
 */
export async function runVars(
  word: 'generate' | 'check',
  host: FleetHost,
  of: { readonly flake: string; readonly known: readonly string[] },
  { run, signal, onLine }: VarsPorts
): Promise<VarsOfHost> {
  const folder = folderOf(of.flake)
  const argv = ['clan', 'vars', word, host.name]
  const result = await run(argv, {
    timeoutMs: CLAN_MS,
    signal,
    cwd: folder,
    noTerminal: true,
    onStderrLine: onLine
  })
  signal.throwIfAborted()
  if (result.code !== 0) {
    const text = `${argv.join(' ')} ended with ${result.code}; it may have wanted to ask somebody:\n${endOfLog(result)}`
    throw new BelayError('vars-failed', text, { found: result.code, wanted: 0, at: host.name })
  }
  return await varsInTree(host, of)
}

/** What the tree has for a host, and what is wrong with it. */
export async function varsInTree(
  host: FleetHost,
  { flake, known }: { readonly flake: string; readonly known: readonly string[] }
): Promise<VarsOfHost> {
  const tree = await readClanTree(openTree(folderOf(flake)))
  const keyed = [{ name: host.name, recipients: host.recipients.map(recipientOf) }]
  const problems = clanProblems(tree, keyed, known)
  const own = problems.filter((each) => each.host === host.name || each.host === null)
  return { secrets: tree.secrets.filter(({ machine }) => machine === host.name).length, problems: own }
}

/** The folder in which clan works; refuses a flake that is none of this machine: `invalid-request`. */
export function folderOf(flake: string): string {
  const folder = flakeFolder(flake)
  if (folder !== null) return folder
  const wanted = 'a folder of this machine'
  throw new BelayError('invalid-request', `clan works on ${wanted}, not on ${flake}`, {
    found: flake,
    wanted
  })
}
