import { crc32 } from 'node:zlib'
import type { Disk, Inode, Step } from './disk.ts'
import { contentAfter } from './disk.ts'

/** What a disk writes whole or not at all, in bytes. */
const SECTOR = 512
/** More states than this at one point would not be tractable; the scenarios stay far below. */
const MOST_STATES = 20_000

/** What of one directory or file may be on the disk: the last synced, and the steps since. */
interface Pending<T> {
  synced: T
  steps: Step[]
}

/**
 * Every distinct disk that a power cut after these steps may leave, under what POSIX promises: what was synced is
 * there; of what was not, each change of names is there or not, in any combination, and a file has the content after
 * any of its writes, torn, zeroed or with sectors missing within one.
 */
export function afterPowerCut(disk: Disk, count = disk.steps.length): Disk[] {
  const { base } = disk
  const names = new Map<Inode, Pending<ReadonlyMap<string, Inode>>>()
  const files = new Map<Inode, Pending<Buffer>>()
  const whole = disk.upTo(count)
  for (const inode of whole.names.keys())
    names.set(inode, { synced: base.names.get(inode) ?? new Map(), steps: [] })
  for (const [inode, { kind }] of whole.nodes)
    if (kind === 'file') files.set(inode, { synced: base.content(inode), steps: [] })
  for (const step of disk.steps.slice(0, count)) {
    if (step.type === 'names') names.get(step.dir)?.steps.push(step)
    if (step.type === 'write' || step.type === 'truncate') files.get(step.file)?.steps.push(step)
    if (step.type === 'sync') {
      settle(names.get(step.inode), applyNames)
      settle(files.get(step.inode), contentAfter)
    }
  }
  return combine(whole, names, files)
}

function settle<T>(pending: Pending<T> | undefined, apply: (value: T, step: Step) => T): void {
  if (!pending) return
  pending.synced = pending.steps.reduce(apply, pending.synced)
  pending.steps = []
}

function applyNames(names: ReadonlyMap<string, Inode>, step: Step): ReadonlyMap<string, Inode> {
  const changed = new Map(names)
  if (step.type === 'names')
    for (const [name, inode] of step.changes) inode === null ? changed.delete(name) : changed.set(name, inode)
  return changed
}

/** Each change kept or lost; of a rename also the new name kept and the old one not yet gone. */
function nameStates({ synced, steps }: Pending<ReadonlyMap<string, Inode>>): ReadonlyMap<string, Inode>[] {
  let states = [synced]
  for (const step of steps) {
    if (step.type !== 'names') continue
    const half: Step[] = step.changes.length > 1 ? [{ ...step, changes: step.changes.slice(0, 1) }] : []
    states = states.flatMap((state) => [state, ...[step, ...half].map((s) => applyNames(state, s))])
    states = distinct(states, (state) => JSON.stringify([...state].sort()))
  }
  return states
}

/** The content after each write, and within each write what a disk may have left of it. */
function contentStates({ synced, steps }: Pending<Buffer>): Buffer[] {
  const states = [synced]
  let before = synced
  for (const step of steps) {
    const after = contentAfter(before, step)
    states.push(after)
    if (step.type === 'write') states.push(...partsOf(before, after, step.at, step.at + step.bytes.length))
    before = after
  }
  return distinct(states, (content) => `${content.length} ${crc32(content)}`)
}

function partsOf(before: Buffer, after: Buffer, from: number, to: number): Buffer[] {
  const middle = (from + to) >> 1
  const bounds = boundaries(from, to)
  const edges = [from, ...bounds, to]
  const gaps: [number, number][] = edges.slice(1).map((end, i) => [edges[i] ?? from, end])
  return [
    ...[...bounds, middle].map((size) => after.subarray(0, Math.max(size, before.length))),
    ...[...gaps, [from, to] as const, [from, middle] as const, [middle, to] as const].map(([start, end]) =>
      unwritten(before, after, start, end)
    )
  ]
}

/** Where sectors meet within a range: all of them, or of a long range the first, the middle and the last. */
function boundaries(from: number, to: number): number[] {
  const all: number[] = []
  for (let at = Math.ceil((from + 1) / SECTOR) * SECTOR; at < to; at += SECTOR) all.push(at)
  return all.length <= 8 ? all : [0, all.length >> 1, all.length - 1].map((i) => all[i] ?? from)
}

/** As if a part of the write had not reached the disk: what was there before, zeros where there was nothing. */
function unwritten(before: Buffer, after: Buffer, from: number, to: number): Buffer {
  const content = Buffer.from(after)
  content.fill(0, from, to)
  before.subarray(from, to).copy(content, from)
  return content
}

function combine(
  whole: Disk,
  names: ReadonlyMap<Inode, Pending<ReadonlyMap<string, Inode>>>,
  files: ReadonlyMap<Inode, Pending<Buffer>>
): Disk[] {
  let disks = [whole.settled()]
  for (const [inode, pending] of names)
    disks = product(disks, nameStates(pending), (disk, state) => disk.names.set(inode, new Map(state)))
  disks = distinct(disks, (disk) => signature(disk, false))
  const contents = new Map([...files].map(([inode, pending]) => [inode, contentStates(pending)]))
  return distinct(
    disks.flatMap((disk) => withContents(disk, contents)),
    (disk) => signature(disk, true)
  )
}

/** The disk with each content that a file which can be reached may have. */
function withContents(disk: Disk, contents: ReadonlyMap<Inode, Buffer[]>): Disk[] {
  let disks = [disk]
  for (const { inode, kind } of new Set(disk.tree().values()))
    if (kind === 'file')
      disks = product(disks, contents.get(inode) ?? [], (d, state) => d.contents.set(inode, state))
  return disks
}

function product<T>(disks: Disk[], states: T[], set: (disk: Disk, state: T) => void): Disk[] {
  if (disks.length * states.length > MOST_STATES) throw new Error('too many states after one power cut')
  return disks.flatMap((disk) =>
    states.map((state) => {
      const copy = disk.settled()
      set(copy, state)
      return copy
    })
  )
}

/** What can be reached on a disk, in one line. */
export function signature(disk: Disk, withContent: boolean): string {
  const found = [...disk.tree()].map(([path, { inode, kind, target }]) => {
    const content = withContent && kind === 'file' ? disk.content(inode) : null
    return [path, kind, target, withContent ? content?.length : inode, content && crc32(content)]
  })
  return JSON.stringify(found.sort())
}

function distinct<T>(values: readonly T[], key: (value: T) => string): T[] {
  return [...new Map(values.map((value) => [key(value), value])).values()]
}
