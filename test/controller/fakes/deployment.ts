import type { Test } from 'tap'
import type { DeployPorts } from '../../../controller/deploy/context.ts'
import type { DeployEvent } from '../../../controller/deploy/events.ts'
import type { Story } from './agent.ts'
import { fakeAgent } from './agent.ts'
import { fakeClock } from './clock.ts'
import { fleetHost, storePath } from './fleet-host.ts'

/** A deployment to one fake host: its ports, its plan, and what was seen. */
export function deployment(t: Test, story: Story = {}, overrides: Partial<DeployPorts> = {}) {
  const agent = fakeAgent(story)
  t.teardown(agent.close)
  const clock = fakeClock()
  const events: DeployEvent[] = []
  const pushed: string[] = []
  const interrupt = new AbortController()
  let keys = 0
  const ports: DeployPorts = {
    openTunnel: agent.openTunnel,
    clock,
    signal: interrupt.signal,
    emit: (event) => events.push(event),
    newKey: () => {
      keys += 1
      return `key-${keys}`
    },
    push: async (_, path) => {
      pushed.push(path)
    },
    ...overrides
  }
  const plan = {
    host: fleetHost(),
    storePath: storePath('b'),
    windowSeconds: 60,
    waitSeconds: 600,
    reason: 'a test',
    again: false,
    overDrift: false,
    mode: null,
    reboot: false,
    outsideWindow: false
  }
  const steps = () => events.flatMap((event) => (event.type === 'step' ? [event.step] : []))
  const notes = () => events.flatMap((event) => (event.type === 'note' ? [event.message] : []))
  return { ports, plan, events, steps, notes, pushed, agent, clock, interrupt }
}
