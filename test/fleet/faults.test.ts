import type { Test } from 'tap'
import t from 'tap'
import { journalOf, realAgent, truthOf, writeFleetFile } from './deployment.ts'
import type { Fleet } from './fleet.ts'
import { startFleet } from './fleet.ts'
import type { Generation } from './generation.ts'
import type { Host } from './host.ts'
import { fleetUnavailable } from './root.ts'

/** What a fault leads to: the phase in which the operation ends, and which generation the host then runs. */
interface Fault {
  readonly candidate: Partial<Generation>
  readonly window?: number
  readonly autoConfirm?: boolean
  readonly agentConfig?: Readonly<Record<string, unknown>>
  /** Done to the host while the operation is under way. */
  readonly inject?: (host: Host, id: string) => Promise<void>
  readonly ends: 'committed' | 'rolled-back' | 'refused'
  readonly reason?: RegExp
}

const inPhase = (host: Host, phase: string) =>
  host.waitFor(async () => (await journalOf(host)).phases.at(-1) === phase, 30_000, phase)
/** While the script is on its way, behind everything that could refuse it. */
const hang = { hangSeconds: 2 }
const kill = (host: Host, ...units: string[]) => host.run(['systemctl', 'kill', '--signal=KILL', ...units])

const faults: Record<string, Fault> = {
  'agent killed while activating': {
    candidate: hang,
    autoConfirm: true,
    inject: async (host) => {
      await inPhase(host, 'activating')
      await kill(host, 'belay-agent')
    },
    ends: 'committed'
  },
  'runner killed while activating': {
    candidate: hang,
    autoConfirm: true,
    inject: async (host) => {
      await inPhase(host, 'activating')
      await kill(host, 'belay-operation')
    },
    ends: 'committed'
  },
  'runner and agent killed while waiting for the confirmation': {
    candidate: {},
    window: 8,
    inject: async (host) => {
      await inPhase(host, 'confirming')
      await kill(host, 'belay-operation', 'belay-agent')
    },
    ends: 'rolled-back',
    reason: /nobody confirmed/
  },
  'runner and agent gone for good: the guard': {
    candidate: { services: { web: 'exec sleep infinity' } },
    window: 300,
    inject: async (host, id) => {
      await inPhase(host, 'confirming')
      const baseline = await host.must(['cat', `/var/lib/belay/operations/${id}/baseline`])
      await host.must(['systemctl', 'stop', 'belay-agent', 'belay-operation'])
      // The countdown of five minutes becomes one of two seconds.
      await host.must(['sh', '-c', `echo "1 2" > /var/lib/belay/operations/${id}/window`])
      const back = async () => (await truthOf(host)).running === baseline.trim()
      await host.waitFor(back, 20_000, 'baseline brought back by the guard')
      await host.waitFor(async () => (await truthOf(host)).guards.length === 0, 20_000, 'the guard to end')
    },
    ends: 'rolled-back',
    reason: /the guard brought the baseline back/
  },
  'power cut while waiting for the confirmation': {
    candidate: {},
    window: 300,
    inject: async (host) => {
      await inPhase(host, 'confirming')
      await host.powerCut()
      await host.boot()
    },
    ends: 'rolled-back',
    reason: /rebooted|did not start|D-Bus|connect/i
  },
  'power cut while activating': {
    candidate: { hangSeconds: 30 },
    inject: async (host) => {
      await inPhase(host, 'activating')
      await host.powerCut()
      await host.boot()
    },
    ends: 'rolled-back',
    reason: /rebooted|did not start|D-Bus|connect/i
  },
  'the activation replaces the agent': { candidate: { agent: 'v2' }, autoConfirm: true, ends: 'committed' },
  'the new agent is broken': {
    candidate: { agent: 'broken' },
    autoConfirm: true,
    agentConfig: { limits: { agentSeconds: 3 } },
    ends: 'rolled-back'
  },
  'a script that hangs': {
    candidate: { hangSeconds: 600 },
    agentConfig: { limits: { activationSeconds: 3 } },
    ends: 'rolled-back',
    reason: /did not end in time/
  },
  'a script that fails before it changes anything': {
    candidate: { exitCode: 1 },
    ends: 'rolled-back',
    reason: /exited 1/
  },
  'a script that fails half way': { candidate: { exitCode: 2 }, ends: 'rolled-back', reason: /exited 2/ },
  'a script that floods its output': {
    candidate: { floodBytes: 50_000_000 },
    autoConfirm: true,
    ends: 'committed'
  },
  'a generation that needs a reboot': { candidate: { exitCode: 100 }, ends: 'rolled-back', reason: /reboot/ },
  'a boot loader that fails at the commit': {
    candidate: { bootloaderFails: true },
    autoConfirm: true,
    ends: 'rolled-back',
    reason: /boot ended with/
  },
  'a cancellation while waiting': {
    candidate: {},
    window: 300,
    inject: async (host) => {
      await inPhase(host, 'confirming')
      await host.run(['belay-agent', 'rollback'])
    },
    ends: 'rolled-back',
    reason: /cancelled/
  }
}

const names = Object.keys(faults).map((_, i) => `h${i}`)

t.test('faults on real hosts', { skip: fleetUnavailable() ?? false, timeout: 400_000 }, async (t) => {
  const generations = Object.fromEntries(
    Object.values(faults).map(({ agentConfig = {} }, i) => [
      `h${i}`,
      { generation: 'baseline', agent: 'bundle', agentConfig }
    ])
  )
  await using fleet = await startFleet({ hosts: names, operator: true, agent: realAgent(), generations })
  writeFleetFile(fleet, 30)
  t.jobs = 4
  const all = Object.entries(faults).map(([name, fault], i) =>
    t.test(`${name}: ${fault.ends}`, { buffered: true }, (t) => survive(t, fleet, `h${i}`, fault))
  )
  await Promise.all(all)
})

async function survive(t: Test, fleet: Fleet, name: string, fault: Fault): Promise<void> {
  const host = fleet.host(name)
  const { agentConfig = {} } = fault
  const before = await truthOf(host)
  fleet.writeGenerations({ [name]: { generation: 'next', agent: 'bundle', agentConfig, ...fault.candidate } })
  const candidate = await fleet.push(name)
  const confirm = fault.autoConfirm ? ['--auto-confirm'] : ['--window', String(fault.window ?? 5)]
  const begun = await host.must(['belay-agent', '--json', 'activate', candidate, '--no-follow', ...confirm])
  const { id } = JSON.parse(begun) as { id: string }
  await fault.inject?.(host, id)
  await host.waitFor(
    async () => ends.has((await journalOf(host)).phases.at(-1) ?? ''),
    60_000,
    'the end of the operation'
  )
  await host.waitFor(async () => (await truthOf(host)).guards.length === 0, 10_000, 'the guard to go')
  const journal = await journalOf(host)
  t.equal(journal.id, id, 'the same operation')
  t.equal(journal.phases.at(-1), fault.ends, journal.phases.join(' → '))
  const now = await truthOf(host)
  const wanted = fault.ends === 'committed' ? candidate : before.running
  const { running, profile, bootDefault } = now
  t.same(
    { running, profile, bootDefault },
    { running: wanted, profile: wanted, bootDefault: wanted },
    'all agree'
  )
  t.same(now.failed, before.failed, 'no unit has failed')
  await host.waitFor(async () => (await host.run(['belay-agent', 'status'])).code === 0, 10_000, 'the agent')
  const log = (await host.must(['belay-agent', '--json', 'log', id])).trim().split('\n')
  const seqs = log.map((line) => JSON.parse(line) as { seq?: number; message?: string })
  const numbers = seqs.flatMap(({ seq }) => (seq === undefined ? [] : [seq]))
  t.same(
    numbers,
    numbers.map((_, i) => i),
    'the log is unbroken'
  )
  const said = seqs.filter(({ message }) => message !== undefined).at(-1)?.message ?? ''
  if (fault.reason) t.match(said, fault.reason, said)
}

const ends = new Set(['committed', 'rolled-back', 'refused', 'cancelled'])
