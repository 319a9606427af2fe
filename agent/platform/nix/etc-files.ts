import type { Dirent } from 'node:fs'
import { open, readdir, readFile, readlink, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import pLimit from 'p-limit'
import type { FileChange } from '../../../shared/api/plan.ts'
import { BelayError } from '../../../shared/errors.ts'
import type { Content } from '../../preview/file-diff.ts'
import { fileDiff } from '../../preview/file-diff.ts'
import { isSecretPlace } from '../../preview/redact.ts'
import { inStore, STORE } from './store-file.ts'

/** Files of a generation that are looked at, and folders in folders. */
const MAX_FILES = 100_000
const MAX_DEPTH = 32
/** Characters of all diffs together, and bytes of a file that is read for one. */
const MAX_DIFFS = 1024 * 1024
const MAX_READ = 512 * 1024
/** Bytes compared at once. */
const CHUNK = 64 * 1024

/** What is at a path: a folder or a file in the store, or a link that is not followed. */
type Node =
  | { readonly kind: 'folder'; readonly real: string }
  | { readonly kind: 'file'; readonly real: string; readonly size: number; readonly runs: boolean }
  | { readonly kind: 'link'; readonly target: string }

/** Where a folder really is, before and after. */
type Folders = readonly [string | null, string | null]

interface Found {
  readonly path: string
  readonly before: Node | null
  readonly after: Node | null
}

/** The files below a folder that are not the same in both generations, by path; those below /etc where none is named. */
export async function etcChanges(
  from: string,
  to: string,
  withDiffs: boolean,
  store = STORE,
  folder = 'etc'
): Promise<FileChange[]> {
  const walk = new Walk(store)
  const [before, after] = await Promise.all(
    [from, to].map((root) => walk.nodeAt(join(root, folder), '', null))
  )
  await walk.compare('', before ?? null, after ?? null, [])
  const found = walk.found.sort((a, b) => (a.path < b.path ? -1 : 1))
  let left = withDiffs ? MAX_DIFFS : 0
  const changes: FileChange[] = []
  for (const each of found) {
    const change = each.before === null ? 'added' : each.after === null ? 'removed' : 'changed'
    const shown = withDiffs ? await show(each, left) : { diff: null, note: null }
    left -= shown.diff?.length ?? 0
    changes.push({ path: each.path, change, ...shown })
  }
  return changes
}

async function show({ path, before, after }: Found, left: number) {
  if (left <= 0) return { diff: null, note: `the diffs of all files are larger than ${MAX_DIFFS / 1024} KiB` }
  if (isSecretPlace(`/etc/${path}`)) return { diff: null, note: 'never read' }
  return fileDiff(path, await contentOf(before), await contentOf(after))
}

async function contentOf(node: Node | null): Promise<Content> {
  if (node === null || node.kind === 'folder') return null
  if (node.kind === 'link') return { link: node.target }
  if (node.size > MAX_READ) return Buffer.alloc(MAX_READ) // only its size counts
  return readFile(node.real)
}

class Walk {
  readonly found: Found[] = []
  readonly #store: string
  #seen = 0

  constructor(store: string) {
    this.#store = store
  }

  /** Puts what differs at a path, and below it, on the list. `above`: the pairs of folders that lead here. */
  async compare(
    path: string,
    before: Node | null,
    after: Node | null,
    above: readonly Folders[]
  ): Promise<void> {
    if (++this.#seen > MAX_FILES || above.length > MAX_DEPTH) {
      const text = `there is too much below etc: more than ${MAX_FILES} files, or ${MAX_DEPTH} folders deep`
      throw new BelayError('not-a-system', text, { found: path, wanted: 'less' })
    }
    const folders = [before, after].map((node) => (node?.kind === 'folder' ? node.real : null))
    const [old = null, now = null] = folders
    if (old !== null || now !== null) await this.#folders(path, [old, now], above)
    const [was, is] = [before, after].map((node) => (node?.kind === 'folder' ? null : node))
    if (was === is || (was && is && (await same(path, was, is)))) return
    this.found.push({ path, before: was ?? null, after: is ?? null })
  }

  async #folders(path: string, [old, now]: Folders, above: readonly Folders[]): Promise<void> {
    if (old === now) return
    // Two links of a folder to itself would be four the next time, and so on.
    if (above.some(([before, after]) => (old !== null && old === before) || (now !== null && now === after)))
      throw new BelayError('not-a-system', `etc/${path} is a folder inside itself`, {
        found: path,
        wanted: 'no circle of links'
      })
    const [before, after] = await Promise.all([old, now].map(entriesOf))
    const names = new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])
    await Promise.all(
      [...names].map(async (name) => {
        const below = path === '' ? name : `${path}/${name}`
        const [a, b] = await Promise.all([
          old === null ? null : this.nodeAt(join(old, name), path, before?.get(name) ?? null),
          now === null ? null : this.nodeAt(join(now, name), path, after?.get(name) ?? null)
        ])
        await this.compare(below, a, b, [...above, [old, now]])
      })
    )
  }

  /** What is at a path. `entry` is null for one that may not be there, and for the root. */
  async nodeAt(path: string, parent: string, entry: Dirent | null): Promise<Node | null> {
    if (entry === null && parent !== '') return null
    const link = entry?.isSymbolicLink() ? await readlink(path) : null
    // Such a link says that a unit is wanted; the unit is compared where it is.
    if (link !== null && /\.(wants|requires|upholds)$/.test(parent))
      return { kind: 'link', target: basename(link) }
    const real = await inStore(path, this.#store)
    if (real === null) return link === null ? null : { kind: 'link', target: link }
    const { size, mode, ...kind } = await stat(real).then((s) => ({
      ...{ size: s.size, mode: s.mode, folder: s.isDirectory(), file: s.isFile() }
    }))
    if (kind.folder) return { kind: 'folder', real }
    return kind.file
      ? { kind: 'file', real, size, runs: (mode & 0o111) !== 0 }
      : { kind: 'link', target: real }
  }
}

async function entriesOf(folder: string | null): Promise<ReadonlyMap<string, Dirent>> {
  if (folder === null) return new Map()
  const entries = await readdir(folder, { withFileTypes: true })
  return new Map(entries.map((entry) => [entry.name, entry]))
}

async function same(path: string, before: Node, after: Node): Promise<boolean> {
  if (before.kind === 'link' && after.kind === 'link') return before.target === after.target
  if (before.kind !== 'file' || after.kind !== 'file') return false
  if (before.real === after.real) return true
  if (before.size !== after.size || before.runs !== after.runs || isSecretPlace(`/etc/${path}`)) return false
  return atOnce(() => sameBytes(before.real, after.real))
}

/** Pairs of files that are read at the same time. */
const atOnce = pLimit(8)

/** Piece by piece: the files may be large. */
async function sameBytes(one: string, other: string): Promise<boolean> {
  await using a = await open(one)
  await using b = await open(other)
  const [x, y] = [Buffer.alloc(CHUNK), Buffer.alloc(CHUNK)]
  for (;;) {
    const [{ bytesRead }, read] = await Promise.all([a.read(x, 0, CHUNK), b.read(y, 0, CHUNK)])
    if (bytesRead !== read.bytesRead || !x.subarray(0, bytesRead).equals(y.subarray(0, bytesRead)))
      return false
    if (bytesRead === 0) return true
  }
}
