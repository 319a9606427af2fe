import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { EnginePorts } from '../../../controller/rollout/engine.ts'
import { createEngine } from '../../../controller/rollout/engine.ts'
import type { Agents } from '../../../controller/rollout/ports.ts'
import type { Store } from '../../../controller/store/store.ts'
import { openStore } from '../../../controller/store/store.ts'
import type { RolloutPlan } from '../../../shared/api/rollout.ts'
import type { SimWorld } from './world.ts'

export class Crash extends Error {
  override readonly name = 'Crash'
}

/** Calls of the world, counted; the process dies before or after the one whose turn it is. */
export function simAgents(world: SimWorld, dies: (moment: string) => void = () => {}): Agents {
  return {
    observe: async (host) => world.observe(host),
    async start(host, request) {
      dies(`before asking ${host.name}`)
      const begun = world.start(host, request)
      dies(`after asking ${host.name}`)
      if (typeof begun === 'object') return { is: 'begun', ...begun }
      const code = begun === 'busy' ? 'operation-running' : 'host-unreachable'
      return { is: 'not-begun', asked: begun === 'busy', transient: true, code, text: begun }
    },
    follow: async () => {}
  }
}

export function portsOf(world: SimWorld, store: Store, agents: Agents): EnginePorts {
  return {
    store,
    agents,
    lookAtAlerts: async () => ({ open: true, message: 'nothing fires', firing: [] }),
    lookAtGate: async () => ({ open: true, message: 'open' }),
    holds: async () => new Map(),
    clock: { now: world.now, random: () => 0, sleep: async () => {} },
    signal: new AbortController().signal,
    who: 'engine',
    pollMs: 30_000,
    maxObserve: 8
  }
}

export const author = (world: SimWorld) => ({
  at: new Date(world.now()).toISOString(),
  who: 'anna',
  why: null
})

/** Activations by host, for those with more or fewer than one. */
export function wrong(world: SimWorld, hosts: readonly string[], since = 0): string[] {
  return hosts.flatMap((host) => {
    const count = world.activations.slice(since).filter((each) => each.host === host).length
    return count === 1 ? [] : [`${host}: ${count}`]
  })
}

/** Every place at which the process can die: around each write to the store and each request to a host. */
export async function dieAt(
  t: Test,
  step: number,
  { loseStore, world, planAt }: { loseStore: boolean; world: SimWorld; planAt: (life: number) => RolloutPlan }
) {
  const directory = t.testdir({})
  let plan = planAt(0)
  let count = 0
  let died: string | null = null
  const dies = (moment: string) => {
    count += 1
    if (count !== step || died !== null) return
    died = moment
    throw new Crash(moment)
  }
  for (let life = 0; life < 5; life++) {
    using store = await openStore(directory)
    const wrapped: Store = {
      ...store,
      append(id, events, who, after) {
        dies(`before writing ${events.map(({ kind }) => kind).join(', ')}`)
        const done = store.append(id, events, who, after)
        dies(`after writing ${events.map(({ kind }) => kind).join(', ')}`)
        return done
      },
      saveRound(...round) {
        dies('before saving the round')
        store.saveRound(...round)
      }
    }
    if (store.rollouts().length === 0) {
      // Planned anew, as after a loss: another identity, so that no key of before can help.
      plan = planAt(life)
      store.create(plan, author(world), false)
    }
    // A crash of the process ends everything in it, also what else is under way; the engine is thrown away.
    const agents = simAgents(world, dies)
    const ending: Agents = {
      ...agents,
      start: (host, request, manner, signal) =>
        agents.start(host, request, manner, signal).catch((error: unknown) => {
          if (error instanceof Crash) return new Promise(() => {})
          throw error
        })
    }
    try {
      const engine = createEngine(plan.id, portsOf(world, wrapped, ending))
      for (let round = 0; round < 400; round++) {
        const decision = await engine.round()
        await new Promise(setImmediate)
        if (died !== null && life === 0) throw new Crash(died)
        if (decision.status.is === 'done') return { died, world, count }
        world.to(world.now() + 20_000)
      }
      throw new Error('the rollout does not end')
    } catch (error) {
      if (!(error instanceof Crash)) throw error
    }
    if (loseStore) rmSync(join(directory, 'rollouts.db'))
    for (const end of ['-wal', '-shm'])
      if (loseStore) rmSync(join(directory, `rollouts.db${end}`), { force: true })
    world.to(world.now() + 5000)
  }
  throw new Error('died too often')
}
