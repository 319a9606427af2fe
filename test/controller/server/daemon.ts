import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Clock } from '../../../controller/deploy/clock.ts'
import { loadFleet, readFleetFile } from '../../../controller/inventory/load.ts'
import { planRollout } from '../../../controller/plan/planner.ts'
import { serve } from '../../../controller/server/serve.ts'
import { parseControllerSettings } from '../../../controller/server/settings.ts'
import type { OpenTunnel } from '../../../controller/transport/tunnel.ts'
import { agentClient } from '../../../shared/agent-client/client.ts'
import type { RolloutPlan } from '../../../shared/api/rollout.ts'
import { BelayError } from '../../../shared/errors.ts'
import type { Story } from '../fakes/agent.ts'
import { fakeAgent } from '../fakes/agent.ts'
import { storePath } from '../fakes/fleet-host.ts'
import { fakeRun } from '../fakes/run.ts'
import { noLeaks } from '../fakes/scan.ts'

/** The part of a test that cleans up after it. */
interface Scope {
  teardown(act: () => unknown): void
}

/** Short waits are shorter still; a poll is as long as it is. */
const clock: Clock = {
  now: () => Date.now(),
  random: () => 0,
  sleep: async (ms, signal) =>
    void (await setTimeout(ms <= 2000 ? Math.min(ms, 20) : ms, undefined, { signal }))
}

/** One daemon: a fleet file, a state directory, and a fake agent behind every host. */
export async function startController(
  t: Scope,
  { fleet, story = {}, settings = {} }: { fleet: string; story?: Story; settings?: object }
) {
  // Paths of sockets are short.
  const directory = mkdtempSync(join(tmpdir(), 'belay-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'fleet.yaml')
  const state = join(directory, 'state')
  mkdirSync(state)
  writeFileSync(file, fleet)
  const agents = new Map<string, ReturnType<typeof fakeAgent>>()
  const down = new Set<string>()
  const agentOf = (name: string) => {
    const agent = agents.get(name) ?? fakeAgent({ idle: true, ...story })
    agents.set(name, agent)
    return agent
  }
  const openTunnel: OpenTunnel = async (host, signal) => {
    if (down.has(host.name)) throw new BelayError('host-unreachable', `${host.name}: no route`)
    return await agentOf(host.name).openTunnel(host, signal)
  }
  const ran = fakeRun({ stdout: '[]' })
  let stop = new AbortController()
  let running: Promise<void> = Promise.resolve()
  const start = async (socketDirectory = join(state, 'sockets')) => {
    stop = new AbortController()
    await new Promise<void>((ready, failed) => {
      running = serve({
        settings: parseControllerSettings(JSON.stringify({ logLevel: 'error', ...settings }), 'test'),
        fleetFile: file,
        stateDirectory: state,
        socketDirectory,
        run: ran.run,
        openTunnel,
        scan: noLeaks,
        clock,
        signal: stop.signal,
        onReady: ready
      })
      running.catch(failed)
    })
  }
  const end = async () => {
    stop.abort()
    await running
  }
  await start()
  t.teardown(async () => {
    await end()
    for (const agent of agents.values()) agent.close()
  })
  const socket = (role: string) => join(state, 'sockets', `${role}.sock`)
  const call = <T>(role: string, method: string, path: string, body?: unknown, headers = {}) =>
    agentClient(socket(role)).call<T>(method, path, body, headers)
  let revision = 1
  return {
    directory,
    state,
    file,
    down,
    agentOf,
    socket,
    call,
    start,
    end,
    ran,
    /** A plan for every host, of one generation. */
    plan: async (letter = 'b'): Promise<RolloutPlan> => {
      const { hosts } = await loadFleet(file)
      const { content } = await readFleetFile(file)
      const storePaths = new Map(hosts.map(({ name }) => [name, storePath(letter)]))
      return planRollout({
        hosts,
        policy: content.rollout ?? {},
        storePaths,
        revision: revision++,
        now: Date.now()
      })
    }
  }
}

/** Looks again and again until the test gives something. */
export async function eventually<T>(
  look: () => Promise<T | null | undefined | false>,
  what: string
): Promise<T> {
  for (let tries = 0; tries < 1000; tries++) {
    const found = await look()
    if (found) return found
    await setTimeout(20)
  }
  throw new Error(`it never came: ${what}`)
}
