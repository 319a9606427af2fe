import { readdirSync } from 'node:fs'
import type { Socket } from 'node:net'
import { call } from '../agent/fakes/daemon.ts'
import type { Target, TargetName, Way } from './targets.ts'
import { memoryOf, open, withTarget } from './targets.ts'

/** What a flood of connections did. */
export interface IdleOutcome {
  /** So many the process had open at the most, by its descriptors. */
  readonly held: number
  /** Memory of the process in MiB before, and with as many as it holds after all of them. */
  readonly rss: readonly [number, number]
  /** Milliseconds of the slowest answer to the words that must be heard, in between. */
  readonly slowestMs: number
  readonly statuses: ReadonlySet<number>
  /** Connections that were opened in a second, refused ones too. */
  readonly perSecond: number
}

/** What is opened. */
export interface IdleOptions {
  readonly of: TargetName
  readonly count: number
  /** Over TLS: with a certificate, a limit that lets all of them in, and a request now and then, so that all stay. */
  readonly hold?: boolean
}

/** Connections that are opened at the same time. */
const WAVE = 500
/** Milliseconds after which a connection that is to stay asks again; the daemon closes it after sixty seconds. */
const AGAIN_MS = 20_000
const ASK = 'GET /livez HTTP/1.1\r\nhost: x\r\n\r\n'

/** What must be heard whatever is open, by the operators' socket: there is nothing to stop, which is judged. */
const words: Readonly<Record<TargetName, readonly (readonly [string, object])[]>> = {
  agent: [
    ['/v1/rollback', { generation: 7 }],
    ['/v1/operations/20260102T030405678Z-00000000/confirm', { nonce: 'x' }]
  ],
  controller: [
    ['/v1/rollouts/current/pause', {}],
    ['/v1/rollouts/current/abort', { reason: 'stop' }]
  ]
}

/** Opens so many connections, keeps as many as it may, and says words by the operators' socket in between. */
export async function attackIdle({ of, count, hold = false }: IdleOptions): Promise<IdleOutcome> {
  const listen = hold ? { maxConnections: 20_000, maxPerAddress: 20_000 } : {}
  return await withTarget(of, (target) => flood(target, { of, count, hold }), listen)
}

async function flood(
  { child, ways }: Target,
  { of, count, hold }: Required<IdleOptions>
): Promise<IdleOutcome> {
  const descriptors = () => readdirSync(`/proc/${child.pid}/fd`).length
  const [before, fewest] = [memoryOf(child), descriptors()]
  // The last way is that of who may do least.
  const way = (hold ? ways.find((each) => 'cert' in each) : ways.at(-1)) as Way
  const operators = (ways[0] as { readonly socketPath: string }).socketPath
  const connections = new Set<Socket>()
  const statuses = new Set<number>()
  let [held, slowestMs] = [0, 0]
  const say = async (path: string, body: object) => {
    const began = performance.now()
    statuses.add((await call(operators, 'POST', path, JSON.stringify(body))).status)
    slowestMs = Math.max(slowestMs, performance.now() - began)
  }
  const began = performance.now()
  try {
    for (let opened = 0; opened < count; opened += WAVE) {
      const wave = Array.from({ length: Math.min(WAVE, count - opened) }, () => idle(way, connections, hold))
      await Promise.all([...wave, ...words[of].map(([path, body]) => say(path, body))])
      for (const [path, body] of words[of]) await say(path, body)
      held = Math.max(held, descriptors() - fewest)
    }
    const perSecond = (count / (performance.now() - began)) * 1000
    return { held, rss: [before, memoryOf(child)], slowestMs, statuses, perSecond }
  } finally {
    for (const socket of connections) socket.destroy()
  }
}

/** A connection that says nothing, or asks now and then, for as long as the other end lets it. */
function idle(way: Way, connections: Set<Socket>, asks: boolean): Promise<void> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined
    const socket = open(way, () => {
      connections.add(socket)
      if (!asks) return resolve()
      socket.write(ASK)
      timer = setInterval(() => socket.write(ASK), AGAIN_MS)
    })
    socket.on('data', () => resolve())
    socket.on('error', () => resolve())
    socket.on('close', () => {
      clearInterval(timer)
      connections.delete(socket)
      resolve()
    })
  })
}
