import { readdirSync } from 'node:fs'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { call } from '../agent/fakes/daemon.ts'
import { memoryOf, withTarget } from './attack.ts'

/** What a flood of connections that say nothing did. */
export interface IdleOutcome {
  /** So many the process had open at the most, by its descriptors. */
  readonly held: number
  /** Memory of the process in MiB before, and with as many as it holds after all of them. */
  readonly rss: readonly [number, number]
  /** Milliseconds of the slowest answer to a rollback and to a confirmation, in between. */
  readonly slowestMs: number
  readonly statuses: ReadonlySet<number>
}

/** Connections that are opened at the same time. */
const WAVE = 500

/** Opens so many connections to the socket of observers, keeps as many as it may, and says words by the one of operators. */
export async function attackIdle(count: number): Promise<IdleOutcome> {
  return await withTarget(async ({ child, socketPath }) => {
    const descriptors = () => readdirSync(`/proc/${child.pid}/fd`).length
    const [before, fewest] = [memoryOf(child), descriptors()]
    const observers = socketPath.replace(/operate\.sock$/, 'observe.sock')
    const open = new Set<Socket>()
    const statuses = new Set<number>()
    let [held, slowestMs] = [0, 0]
    const say = async (path: string, body: object) => {
      const began = performance.now()
      statuses.add((await call(socketPath, 'POST', path, JSON.stringify(body))).status)
      slowestMs = Math.max(slowestMs, performance.now() - began)
    }
    try {
      for (let opened = 0; opened < count; opened += WAVE) {
        await Promise.all(Array.from({ length: Math.min(WAVE, count - opened) }, () => idle(observers, open)))
        await Promise.all([
          say('/v1/rollback', { generation: 7 }),
          say('/v1/operations/20260102T030405678Z-00000000/confirm', { nonce: 'x' })
        ])
        held = Math.max(held, descriptors() - fewest)
      }
      return { held, rss: [before, memoryOf(child)], slowestMs, statuses }
    } finally {
      for (const socket of open) socket.destroy()
    }
  })
}

/** A connection that says nothing, for as long as the other end lets it. */
function idle(path: string, open: Set<Socket>): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      open.add(socket)
      resolve()
    })
    socket.on('error', () => resolve())
    socket.on('close', () => open.delete(socket))
  })
}
