import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Clock } from '../../../controller/deploy/clock.ts'
import type { OpenTunnel } from '../../../controller/transport/tunnel.ts'
import { runCommand } from '../../../shared/command.ts'
import { BelayError } from '../../../shared/errors.ts'
import type { Story } from '../fakes/agent.ts'
import { fakeAgent } from '../fakes/agent.ts'
import { storePath } from '../fakes/fleet-host.ts'
import { fakeRun } from '../fakes/run.ts'
import { noLeaks } from '../fakes/scan.ts'
import { runBelay } from './run-belay.ts'

/** A clock on which waits are short, but long enough for a fake agent to answer in. */
function quickClock(): Clock {
  let now = Date.parse('2026-01-01T12:00:00Z')
  return {
    now: () => now,
    random: () => 1,
    sleep: async (ms, signal) => {
      await setTimeout(Math.min(ms, 25), undefined, { signal })
      now += ms
    }
  }
}

const built = { stdout: JSON.stringify([{ outputs: { out: storePath('b') } }]) }
export const plain = 'version: 1\nhosts: { cinnabar: {} }\n'
export const staged = 'rollout: { stages: [{ name: all, select: {}, approval: true }] }\n'

/** One operator: a fleet file, a state directory, and hosts of which each tunnel leads to the same fake agent. */
export function operator(t: Test, fleet = plain, story: Story = {}) {
  const directory = t.testdir({})
  const file = join(directory, 'fleet.yaml')
  writeFileSync(file, fleet)
  const agent = fakeAgent({ idle: true, ...story })
  t.teardown(agent.close)
  const { run } = fakeRun(built)
  const down = new Set<string>()
  const openTunnel: OpenTunnel = async (host, signal) => {
    if (down.has(host.name)) throw new BelayError('host-unreachable', `${host.name}: no route`)
    return await agent.openTunnel(host, signal)
  }
  const belay = async (...args: string[]) => {
    return await runBelay(['-f', file, ...args], {
      run: (argv, options) => (argv[0]?.startsWith('ssh-') ? runCommand(argv, options) : run(argv, options)),
      openTunnel,
      clock: quickClock(),
      newKey: () => 'key',
      scan: noLeaks,
      signal: new AbortController().signal
    })
  }
  const rollout = (...args: string[]) => belay('rollout', ...args, '--state', join(directory, 'state'))
  return { belay, rollout, agent, directory, file, down }
}
