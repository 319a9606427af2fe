import type { Test } from 'tap'
import type { Disk, Step } from './disk.ts'
import { fakeFs, World } from './fake-fs.ts'
import { afterPowerCut, signature } from './power-cut.ts'

/** The real writers and readers on the disk of a world. */
export async function realCodeOn(t: Test) {
  const world = new World()
  const fs = fakeFs(world)
  const mocks = { 'node:fs/promises': fs }
  const agent = '../../agent'
  return {
    world,
    /** The bare calls, for weaker writers. */
    fs,
    ...(await t.mockImport<typeof import('../../shared/durable-write.ts')>(
      '../../shared/durable-write.ts',
      mocks
    )),
    ...(await t.mockImport<typeof import('../../agent/journal/journal.ts')>(
      `${agent}/journal/journal.ts`,
      mocks
    )),
    ...(await t.mockImport<typeof import('../../agent/operation/store.ts')>(
      `${agent}/operation/store.ts`,
      mocks
    )),
    ...(await t.mockImport<typeof import('../../agent/platform/nix/profile.ts')>(
      `${agent}/platform/nix/profile.ts`,
      mocks
    ))
  }
}

/** What {@link realCodeOn} gives. */
export type RealCode = Awaited<ReturnType<typeof realCodeOn>>

/** What can be wrong with a disk after a power cut. */
export type Damage = 'lost' | 'unreadable' | 'invented' | 'unusable'

/** Judges one disk by what had been begun and acknowledged when the power went; null where all is well. */
export type Judge = (disk: Disk, marks: readonly string[]) => Promise<Damage | null>

/** Power cuts at every point of what was written, each with every disk that it may leave. */
export interface Survey {
  readonly points: number
  readonly states: number
  readonly damage: Readonly<Record<Damage, number>>
  /** The first damage found, for a message. */
  readonly first: string | null
}

/** Cuts the power before the first step, after each, and judges every disk that may be left. */
export async function survey(disk: Disk, judge: Judge): Promise<Survey> {
  const damage = { lost: 0, unreadable: 0, invented: 0, unusable: 0 }
  const seen = new Set<string>()
  let first: string | null = null
  for (let count = 0; count <= disk.steps.length; count++) {
    const marks = disk.steps.slice(0, count).flatMap((step) => (step.type === 'mark' ? [step.mark] : []))
    for (const state of afterPowerCut(disk, count)) {
      const left = signature(state, true)
      if (seen.has(`${marks} ${left}`)) continue
      seen.add(`${marks} ${left}`)
      const found = await judge(state, marks)
      if (found === null) continue
      damage[found]++
      first ??= `${found} after step ${count}, ${describe(disk.steps[count - 1])}: ${left}`
    }
  }
  return { points: disk.steps.length + 1, states: seen.size, damage, first }
}

/** Damage of all kinds. */
export const total = ({ damage }: Survey): number => Object.values(damage).reduce((a, b) => a + b, 0)

/** The same steps without some of them: a weaker writer. */
export function without(disk: Disk, leftOut: (step: Step, nth: number) => boolean): Disk {
  const weak = disk.upTo(0)
  for (const [nth, step] of disk.steps.entries()) if (!leftOut(step, nth)) weak.do(step)
  return weak
}

/** Whether a step is the sync of a file, or of a directory. */
export const isSync = (disk: Disk, kind: 'file' | 'directory') => (step: Step) =>
  step.type === 'sync' && disk.nodes.get(step.inode)?.kind === kind

/** How many marks of one kind there are. */
export const marked = (marks: readonly string[], kind: string): number =>
  marks.filter((mark) => mark.startsWith(kind)).length

const describe = (step: Step | undefined) => (step === undefined ? 'the beginning' : step.type)

/** A survey in one line. */
export function figures(found: Survey): string {
  const { lost, unreadable, invented, unusable } = found.damage
  const kinds = `${lost} lost, ${unreadable} unreadable, ${invented} invented, ${unusable} unusable`
  return `${found.points} points, ${found.states} states: ${total(found)} bad (${kinds})`
}
