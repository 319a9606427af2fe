import * as real from 'node:fs/promises'
import { posix } from 'node:path'
import type { Inode, Node } from './disk.ts'
import { Disk, errno } from './disk.ts'

/** What becomes of one call: it throws; of a write half is made first where `partial` is set. */
export interface Fault {
  readonly code: string
  readonly partial?: boolean
}

/** The disk that the calls act on, and what may happen to them. A test replaces both between runs. */
export class World {
  disk = new Disk()
  calls = 0
  /** Handles that were not closed. */
  opened = 0
  /** Asked for each call by its number, from 1 on. */
  fault: (call: number, name: string) => Fault | null = () => null

  /** Counts a call and fails it where that was asked for; `half` is made of one that is to be partial. */
  call(name: string, path: string, half?: () => void): void {
    const fault = this.fault(++this.calls, name)
    if (!fault) return
    if (fault.partial) half?.()
    throw errno(fault.code, `${name} ${path}`)
  }

  begin(disk: Disk): void {
    this.disk = disk
    this.calls = 0
    this.opened = 0
    this.fault = () => null
  }
}

const bytesOf = (data: string | Uint8Array) =>
  typeof data === 'string' ? Buffer.from(data) : Buffer.from(data)

class Handle {
  readonly #world: World
  readonly #inode: Inode
  readonly #path: string
  readonly #appends: boolean
  #open = true

  constructor(world: World, inode: Inode, path: string, appends: boolean) {
    this.#world = world
    this.#inode = inode
    this.#path = path
    this.#appends = appends
    world.opened++
  }

  #call(name: string, half?: () => void): Disk {
    if (!this.#open) throw errno('EBADF', name)
    this.#world.call(name, this.#path, half)
    return this.#world.disk
  }

  async writeFile(data: string | Uint8Array): Promise<void> {
    const { disk } = this.#world
    const bytes = bytesOf(data)
    const at = this.#appends ? disk.content(this.#inode).length : 0
    const write = (part: Buffer) => disk.do({ type: 'write', file: this.#inode, at, bytes: part })
    this.#call('write', () => write(bytes.subarray(0, bytes.length >> 1)))
    write(bytes)
  }

  async appendFile(data: string | Uint8Array): Promise<void> {
    await this.writeFile(data)
  }

  async readFile(encoding?: BufferEncoding): Promise<string | Buffer> {
    const content = this.#call('read').content(this.#inode)
    return encoding ? content.toString(encoding) : content
  }

  async stat(): Promise<{ size: number }> {
    return { size: this.#call('fstat').content(this.#inode).length }
  }

  async truncate(size: number): Promise<void> {
    const disk = this.#call('ftruncate')
    if (disk.content(this.#inode).length !== size) disk.do({ type: 'truncate', file: this.#inode, size })
  }

  async sync(): Promise<void> {
    this.#call('fsync').do({ type: 'sync', inode: this.#inode })
  }

  /** Closes also when it throws, as Linux does. */
  async close(): Promise<void> {
    if (!this.#open) return
    try {
      this.#call('close')
    } finally {
      this.#open = false
      this.#world.opened--
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

const parent = (world: World, path: string): Inode => {
  const dir = world.disk.find(posix.dirname(path))
  if (dir === undefined) throw errno('ENOENT', path)
  return dir
}

const existing = (world: World, path: string): Node => {
  const inode = world.disk.find(path)
  const node = inode === undefined ? undefined : world.disk.nodes.get(inode)
  if (!node) throw errno('ENOENT', path)
  return node
}

function openFile(world: World, path: string, flags: string): Handle {
  world.call('open', path)
  const { disk } = world
  const writes = flags !== 'r'
  const found = disk.find(path)
  if (found === undefined && (!writes || flags === 'r+')) throw errno('ENOENT', path)
  if (writes && found !== undefined && disk.nodes.get(found)?.kind === 'directory')
    throw errno('EISDIR', path)
  if (flags === 'wx' && found !== undefined) throw errno('EEXIST', path)
  const inode = found ?? disk.create(parent(world, path), posix.basename(path), 'file')
  if (flags === 'w' && disk.content(inode).length > 0) disk.do({ type: 'truncate', file: inode, size: 0 })
  return new Handle(world, inode, path, flags.startsWith('a'))
}

function removeTree(world: World, path: string): void {
  const { inode, kind } = existing(world, path)
  if (kind === 'directory')
    for (const name of [...(world.disk.names.get(inode)?.keys() ?? [])]) removeTree(world, `${path}/${name}`)
  world.disk.do({ type: 'names', dir: parent(world, path), changes: [[posix.basename(path), null]] })
}

function makeDirectory(world: World, path: string, recursive: boolean): string | undefined {
  const { disk } = world
  if (disk.find(path) !== undefined) {
    if (recursive) return undefined
    throw errno('EEXIST', path)
  }
  const above = posix.dirname(path)
  const first = recursive && disk.find(above) === undefined ? makeDirectory(world, above, true) : undefined
  disk.create(parent(world, path), posix.basename(path), 'directory')
  return first ?? path
}

/** What stands for `node:fs/promises`: the calls that Belay's writers and readers make, on the disk of a world. */
export function fakeFs(world: World) {
  return {
    ...real,
    open: async (path: string, flags: string) => openFile(world, path, flags),
    readFile: async (path: string, encoding?: BufferEncoding) => {
      world.call('read', path)
      const content = world.disk.content(existing(world, path).inode)
      return encoding ? content.toString(encoding) : content
    },
    stat: async (path: string) => {
      world.call('stat', path)
      return { size: world.disk.content(existing(world, path).inode).length }
    },
    readdir: async (path: string) => {
      world.call('readdir', path)
      return [...(world.disk.names.get(existing(world, path).inode)?.keys() ?? [])]
    },
    readlink: async (path: string) => {
      world.call('readlink', path)
      const { target } = existing(world, path)
      if (target === undefined) throw errno('EINVAL', path)
      return target
    },
    symlink: async (target: string, path: string) => {
      world.call('symlink', path)
      if (world.disk.find(path) !== undefined) throw errno('EEXIST', path)
      world.disk.create(parent(world, path), posix.basename(path), 'link', target)
    },
    link: async (from: string, to: string) => {
      world.call('link', from)
      const { inode } = existing(world, from)
      if (world.disk.find(to) !== undefined) throw errno('EEXIST', to)
      world.disk.do({ type: 'names', dir: parent(world, to), changes: [[posix.basename(to), inode]] })
    },
    mkdir: async (path: string, options: { recursive?: boolean } = {}) => {
      world.call('mkdir', path)
      return makeDirectory(world, path, options.recursive ?? false)
    },
    rename: async (from: string, to: string) => {
      world.call('rename', from)
      const { inode } = existing(world, from)
      const changes = [
        [posix.basename(to), inode],
        [posix.basename(from), null]
      ] as const
      world.disk.do({ type: 'names', dir: parent(world, from), changes })
    },
    rm: async (path: string, options: { force?: boolean; recursive?: boolean } = {}) => {
      world.call('unlink', path)
      if (options.force && world.disk.find(path) === undefined) return
      if (!options.recursive && existing(world, path).kind === 'directory') throw errno('ERR_FS_EISDIR', path)
      removeTree(world, path)
    }
  }
}
