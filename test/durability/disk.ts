import { posix } from 'node:path'

/** A file, a directory or a symbolic link, by its number; 0 is the root directory. */
export type Inode = number

/** One step that a file system makes for a call. What it changes is on the disk only after a sync. */
export type Step =
  /** Names of one directory that come (a number) or go (null) together. */
  | {
      readonly type: 'names'
      readonly dir: Inode
      readonly changes: readonly (readonly [string, Inode | null])[]
      readonly born?: Node
    }
  | { readonly type: 'write'; readonly file: Inode; readonly at: number; readonly bytes: Buffer }
  | { readonly type: 'truncate'; readonly file: Inode; readonly size: number }
  | { readonly type: 'sync'; readonly inode: Inode }
  /** Not of the file system: what the writer has begun or acknowledged by here. */
  | { readonly type: 'mark'; readonly mark: string }

/** What an inode is. Only a file has content, only a link a target. */
export interface Node {
  readonly inode: Inode
  readonly kind: 'file' | 'directory' | 'link'
  readonly target?: string
}

/** A tree by absolute paths: text or bytes of a file, null for a directory. */
export type Tree = Readonly<Record<string, string | Buffer | null>>

/** The error that a system call gives. */
export function errno(code: string, text = ''): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${text}`), { code })
}

/** The content of a file after one of the steps that change it. */
export function contentAfter(content: Buffer, step: Step): Buffer {
  if (step.type === 'truncate') return resized(content, step.size)
  if (step.type !== 'write') return content
  const grown = Buffer.from(resized(content, Math.max(content.length, step.at + step.bytes.length)))
  step.bytes.copy(grown, step.at)
  return grown
}

const resized = (content: Buffer, size: number) =>
  size <= content.length
    ? content.subarray(0, size)
    : Buffer.concat([content, Buffer.alloc(size - content.length)])

/** A file system in memory that remembers every step since it was made; all that was there before is on the disk. */
export class Disk {
  readonly nodes = new Map<Inode, Node>([[0, { inode: 0, kind: 'directory' }]])
  readonly names = new Map<Inode, Map<string, Inode>>([[0, new Map()]])
  readonly contents = new Map<Inode, Buffer>()
  readonly steps: Step[] = []
  #base: Disk | null = null

  static of(tree: Tree): Disk {
    const disk = new Disk()
    for (const [path, content] of Object.entries(tree)) disk.#put(path, content)
    return disk.settled()
  }

  #put(path: string, content: string | Buffer | null): void {
    const dir = path === '/' ? 0 : (this.find(posix.dirname(path)) ?? this.#putDirectory(posix.dirname(path)))
    const inode = this.create(dir, posix.basename(path), content === null ? 'directory' : 'file')
    if (content !== null) this.contents.set(inode, Buffer.from(content))
  }

  #putDirectory(path: string): Inode {
    this.#put(path, null)
    return this.find(path) ?? 0
  }

  /** The same, all of it on the disk. */
  settled(): Disk {
    const disk = new Disk()
    for (const [inode, node] of this.nodes) disk.nodes.set(inode, node)
    for (const [inode, names] of this.names) disk.names.set(inode, new Map(names))
    for (const [inode, content] of this.contents) disk.contents.set(inode, content)
    return disk
  }

  /** Remembers what there is, to cut back to. Called before the first step. */
  get base(): Disk {
    this.#base ??= this.settled()
    return this.#base
  }

  /** The same with the first `count` steps made: processes died there, and the page cache did not. */
  upTo(count: number): Disk {
    const disk = this.base.settled()
    for (const step of this.steps.slice(0, count)) disk.do(step)
    return disk
  }

  do(step: Step): void {
    void this.base
    this.steps.push(step)
    if (step.type === 'names') {
      if (step.born) this.#bear(step.born)
      const names = this.names.get(step.dir)
      for (const [name, inode] of step.changes) inode === null ? names?.delete(name) : names?.set(name, inode)
    }
    if (step.type === 'write' || step.type === 'truncate')
      this.contents.set(step.file, contentAfter(this.content(step.file), step))
  }

  #bear(node: Node): void {
    this.nodes.set(node.inode, node)
    if (node.kind === 'directory') this.names.set(node.inode, new Map())
  }

  mark(mark: string): void {
    this.do({ type: 'mark', mark })
  }

  create(dir: Inode, name: string, kind: Node['kind'], target?: string): Inode {
    const inode = Math.max(...this.nodes.keys()) + 1
    const born: Node = target === undefined ? { inode, kind } : { inode, kind, target }
    this.do({ type: 'names', dir, changes: [[name, inode]], born })
    return inode
  }

  content(file: Inode): Buffer {
    return this.contents.get(file) ?? Buffer.alloc(0)
  }

  /** What a path names, without following links; undefined where there is nothing. */
  find(path: string): Inode | undefined {
    let inode: Inode | undefined = 0
    for (const name of path.split('/').filter((part) => part !== ''))
      inode = inode === undefined ? undefined : this.names.get(inode)?.get(name)
    return inode
  }

  /** Every path with what is there. */
  tree(): Map<string, Node> {
    const found = new Map<string, Node>()
    const visit = (dir: Inode, path: string) => {
      for (const [name, inode] of this.names.get(dir) ?? []) {
        const node = this.nodes.get(inode)
        if (node) found.set(`${path}/${name}`, node)
        if (node?.kind === 'directory') visit(inode, `${path}/${name}`)
      }
    }
    visit(0, '')
    return found
  }
}
