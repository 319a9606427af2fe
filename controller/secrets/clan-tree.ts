import type { Dirent } from 'node:fs'
import { readlink } from 'node:fs/promises'
import { join, normalize } from 'node:path'
import { isRecipient } from '../../shared/secrets/age.ts'
import type { SopsFile } from '../../shared/secrets/sops.ts'
import { readSops } from '../../shared/secrets/sops.ts'
import type { SecretProblem } from './problem.ts'
import { problem } from './problem.ts'
import type { Tree } from './tree.ts'

/** Who may be named beside a secret, by the folder that names them. */
export const holders = ['machines', 'users', 'groups'] as const
export type Holder = (typeof holders)[number]

/** One secret in the tree. */
export interface ClanSecret {
  readonly path: string
  /** The machine below whose name it stands; null for what is shared. */
  readonly machine: string | null
  readonly sops: SopsFile | null
  /** Who may decrypt it, by the links beside it. */
  readonly named: Readonly<Record<Holder, readonly string[]>>
}

/** Keys, groups and secrets of a clan's tree. */
export interface ClanTree {
  readonly machines: ReadonlyMap<string, readonly string[]>
  readonly users: ReadonlyMap<string, readonly string[]>
  readonly groups: ReadonlyMap<string, Readonly<Record<Holder, readonly string[]>>>
  readonly secrets: readonly ClanSecret[]
  readonly problems: readonly SecretProblem[]
}

/** Folders behind which everything lies. */
const below = [
  ...['sops/machines', 'sops/users', 'sops/groups', 'sops/secrets'],
  ...['vars/per-machine', 'vars/shared', 'vars/per-export']
]

/** Reads `sops/` and `vars/` below a tree. Source: clan-core, clan_lib/vars; platform facts §5.3. */
export async function readClanTree(tree: Tree): Promise<ClanTree> {
  const problems: SecretProblem[] = []
  for (const folder of ['sops', 'vars', ...below]) {
    if (await tree.isLink(folder))
      problems.push(problem('link-wrong', folder, 'it is a link; it was not looked at'))
  }
  const keys = async (folder: 'machines' | 'users') => {
    const found = new Map<string, readonly string[]>()
    for (const { name } of await foldersIn(tree, `sops/${folder}`))
      found.set(name, await keysAt(tree, `sops/${folder}/${name}/key.json`, problems))
    return found
  }
  const [machines, users] = [await keys('machines'), await keys('users')]
  const groups = new Map<string, ClanSecret['named']>()
  for (const { name } of await foldersIn(tree, 'sops/groups'))
    groups.set(name, await namedAt(tree, `sops/groups/${name}`, problems))
  const secrets: ClanSecret[] = []
  for (const { path, machine } of await variablesIn(tree)) {
    const secret = await secretAt(tree, path, machine, problems)
    if (secret !== null) secrets.push(secret)
  }
  return { machines, users, groups, secrets, problems }
}

interface Place {
  readonly path: string
  readonly machine: string | null
}

/**
 * Every folder of a variable, by its place and never by its name: a variable, or a generator, may well be called
 * `secret` or `value`.
 */
async function variablesIn(tree: Tree): Promise<Place[]> {
  const found: Place[] = []
  const below = async (path: string, depth: number, machine: string | null): Promise<void> => {
    if (depth === 0) return void found.push({ path, machine })
    for (const { name } of await foldersIn(tree, path)) await below(`${path}/${name}`, depth - 1, machine)
  }
  for (const { name } of await foldersIn(tree, 'vars/per-machine'))
    await below(`vars/per-machine/${name}`, 2, name)
  for (const { name } of await foldersIn(tree, 'vars/per-export'))
    await below(`vars/per-export/${name}`, 2, null)
  await below('vars/shared', 2, null)
  await below('sops/secrets', 1, null)
  return found
}

async function secretAt(
  tree: Tree,
  path: string,
  machine: string | null,
  problems: SecretProblem[]
): Promise<ClanSecret | null> {
  const entry = (await tree.list(path)).find(({ name }) => name === 'secret')
  if (entry === undefined || entry.isDirectory()) return null
  const file = `${path}/secret`
  if (entry.isSymbolicLink()) {
    problems.push(problem('link-wrong', file, 'it is a link, and a secret must be a file', machine))
    return null
  }
  const text = await tree.read(file)
  if (text === null) {
    problems.push(problem('unreadable', file, 'it cannot be read, or is too large', machine))
    return null
  }
  const sops = await readSops(text, 'binary')
  return { path: file, machine, sops, named: await namedAt(tree, path, problems) }
}

/** The names that links beside a secret give; a link is read, and never followed. */
async function namedAt(tree: Tree, path: string, problems: SecretProblem[]): Promise<ClanSecret['named']> {
  const named: Record<Holder, string[]> = { machines: [], users: [], groups: [] }
  for (const holder of holders) {
    for (const entry of await tree.list(`${path}/${holder}`)) {
      const link = `${path}/${holder}/${entry.name}`
      const wrong = await flawOfLink(tree, entry, `${path}/${holder}`, `sops/${holder}/${entry.name}`)
      if (wrong === null) named[holder].push(entry.name)
      else problems.push(problem('link-wrong', link, wrong))
    }
  }
  return named
}

async function flawOfLink(tree: Tree, entry: Dirent, folder: string, wanted: string): Promise<string | null> {
  if (!entry.isSymbolicLink()) return `it is no link to ${wanted}`
  const target = await readlink(join(tree.root, folder, entry.name))
  const leads = normalize(join(folder, target))
  if (leads === `${folder}/${entry.name}`) return 'it leads to itself'
  return leads === wanted ? null : `it leads to ${JSON.stringify(target.slice(0, 200))}, wanted ${wanted}`
}

async function foldersIn(tree: Tree, path: string): Promise<readonly Dirent[]> {
  return (await tree.list(path)).filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
}

/** The public keys in a `key.json`: one object, or a list of them. */
async function keysAt(tree: Tree, path: string, problems: SecretProblem[]): Promise<readonly string[]> {
  const text = await tree.read(path)
  if (text === null) return []
  try {
    const content: unknown = JSON.parse(text)
    const all = Array.isArray(content) ? content : [content]
    const age = all.filter(({ type }: { type?: unknown }) => type === 'age')
    const keys = age.map(({ publickey }: { publickey?: unknown }) => String(publickey))
    const wrong = keys.find((key) => !isRecipient(key))
    if (wrong !== undefined) problems.push(problem('key-unreadable', path, 'it has no recipient of age'))
    return keys.filter(isRecipient)
  } catch {
    problems.push(problem('key-unreadable', path, 'it is no JSON of keys'))
    return []
  }
}
