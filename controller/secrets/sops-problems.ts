import { relative } from 'node:path'
import type { SopsFile } from '../../shared/secrets/sops.ts'
import { formatOf, opens, readSops, recipientsOf } from '../../shared/secrets/sops.ts'
import type { SecretProblem } from './problem.ts'
import { problem } from './problem.ts'
import type { Tree } from './tree.ts'

/** What is wrong with a file that is to be one of sops, whoever may open it. */
export function sopsProblems(
  path: string,
  sops: SopsFile | null,
  host: string | null = null
): SecretProblem[] {
  if (sops === null)
    return [problem('not-encrypted', path, 'it is not encrypted by sops: it has no metadata of it', host)]
  const plain = sops.plain.slice(0, 5).join(', ')
  return [
    ...(sops.mac
      ? []
      : [problem('no-mac', path, 'it has no sum: nobody can tell whether it was changed', host)]),
    ...(plain === '' ? [] : [problem('value-not-encrypted', path, `not encrypted in it: ${plain}`, host)])
  ]
}

/** The files below a folder, in which all are to be encrypted. Links are not followed. */
export async function folderProblems(tree: Tree, folder: string): Promise<SecretProblem[]> {
  const found: SecretProblem[] = []
  const walk = async (path: string): Promise<void> => {
    for (const entry of await tree.list(path)) {
      const at = `${path}/${entry.name}`
      if (entry.isDirectory()) await walk(at)
      else if (entry.isSymbolicLink())
        found.push(problem('link-wrong', at, 'it is a link; it was not looked at'))
      else if (!/^(\.gitkeep|\.gitignore|README(\.md)?|.*\.pub|.*\.nix)$/.test(entry.name))
        found.push(...(await fileProblems(tree, at)))
    }
  }
  await walk(folder)
  return found
}

async function fileProblems(tree: Tree, path: string): Promise<SecretProblem[]> {
  const text = await tree.read(path)
  if (text === null) return [problem('unreadable', path, 'it cannot be read, or is too large')]
  return sopsProblems(path, await readSops(text, formatOf(path)))
}

/** A secret of a host, as its configuration declares it. */
export interface Declared {
  readonly name: string
  readonly sopsFile: string
  readonly format: 'yaml' | 'json' | 'binary' | 'dotenv' | 'ini'
}

/** What the secrets that a host declares need, and what it has. `read` gives the text of a file, or null. */
export async function declaredProblems(
  host: string,
  recipients: readonly string[],
  declared: readonly Declared[],
  read: (path: string) => Promise<string | null>
): Promise<SecretProblem[]> {
  const found: SecretProblem[] = []
  for (const [path, secrets] of Map.groupBy(declared, ({ sopsFile }) => sopsFile)) {
    const names = secrets.map(({ name }) => name).join(', ')
    const shown = path.startsWith('/nix/store/')
      ? relative(path.split('/').slice(0, 4).join('/'), path) || path
      : path
    const text = await read(path)
    if (text === null) {
      found.push(problem('unreadable', shown, `${names}: the file cannot be read`, host))
      continue
    }
    const sops = await readSops(text, secrets[0]?.format ?? 'yaml')
    found.push(...sopsProblems(shown, sops, host))
    if (sops === null || recipients.length === 0 || opens(sops, recipients) !== false) continue
    const whom = recipientsOf(sops).join(', ') || 'nobody'
    const message = `${names}: for ${whom}; the host has ${recipients.join(', ')}`
    found.push(problem('not-for-host', shown, message, host))
  }
  return found
}
