import t from 'tap'
import { agentMetrics } from '../../../agent/metrics/metrics.ts'
import { runCommand } from '../../../shared/command.ts'
import { call, candidate, startDaemon } from '../fakes/daemon.ts'

t.test('metrics tell the host and its operations, and survive what cannot be read', async (t) => {
  const d = await startDaemon(t)
  const scrape = async () => (await call(d.socket('observe'), 'GET', '/metrics')).body
  t.match(
    await scrape(),
    /^belay_agent_operations_total\{kind="activate",result="committed"\} 0$/m,
    'known series begin at 0'
  )
  const begun = await call(
    d.socket('operate'),
    'POST',
    '/v1/operations',
    JSON.stringify({ storePath: candidate })
  )
  const { id } = JSON.parse(begun.body) as { id: string }
  t.match(await scrape(), /^belay_agent_operation_phase\{phase="accepted"\} 1$/m)
  await d.append(id, { type: 'moved', to: 'cancelled', reason: 'test' })
  for (let i = 0; i < 2; i++) {
    t.match(
      await scrape(),
      /^belay_agent_operations_total\{kind="activate",result="cancelled"\} 1$/m,
      'counted once'
    )
  }
  const text = await scrape()
  t.match(
    text,
    /^belay_agent_generation_info\{system="running",store_path="\/nix\/store\/a+-nixos-system"\} 1$/m
  )
  t.ok(Number(/^process_cpu_seconds_total (\S+)$/m.exec(text)?.[1]) > 0, 'CPU time is counted')
  t.ok(text.endsWith('\n'))
  t.ok(text.split('\n').filter((line) => line && !line.startsWith('#')).length <= 70)

  const broken = agentMetrics({ observe: () => Promise.reject(new Error('no')) } as never, d.operations)
  t.match(await broken(), /^belay_agent_observe_success 0$/m)
})

t.test('homes are counted apart from the system, for the users of the configuration alone', async (t) => {
  const d = await startDaemon(t)
  const state = (profile: 'system' | `home:${string}`, id: string, phase: 'rolled-back' | 'confirming') => ({
    accepted: { id, kind: 'activate', profile },
    phase,
    window: { deadlineAt: '2026-01-02T03:04:05Z' },
    acceptedAt: new Date().toISOString(),
    updatedAt: new Date().toISOString()
  })
  const all = [
    state('home:alice', '1', 'rolled-back'),
    state('home:alice', '2', 'confirming'),
    state('home:mallory', '3', 'rolled-back')
  ]
  const host = { ...d.host, homes: { users: ['alice', 'bob'], of: () => d.host } }
  const operations = { all: async () => all, unreadable: async () => [], holds: d.operations.holds }
  const metrics = agentMetrics(host, operations as never)
  await metrics()
  const text = await metrics()
  const home = 'belay_agent_home_operations_total'
  t.match(text, new RegExp(`^${home}\\{user="alice",kind="activate",result="rolled-back"\\} 1$`, 'm'))
  t.match(text, new RegExp(`^${home}\\{user="bob",kind="activate",result="rolled-back"\\} 0$`, 'm'))
  t.match(text, /^belay_agent_home_operation_phase\{user="alice",phase="confirming"\} 1$/m)
  t.match(text, /^belay_agent_home_confirm_deadline_timestamp_seconds\{user="alice"\} 1767323045$/m)
  t.match(text, /^belay_agent_operations_total\{kind="activate",result="rolled-back"\} 0$/m)
  t.match(text, /^belay_agent_operation_phase\{phase="confirming"\} 0$/m)
  t.notMatch(text, /mallory/)
  const lint = await runCommand(['promtool', 'check', 'metrics'], { timeoutMs: 20_000, input: text })
  t.equal(lint.code, 0, lint.stderr)
})

t.test('hostile label values cannot break the format', async (t) => {
  const hostile = '/nix/store/"\n} 1\nevil 5\\'
  const seen = { number: 1, storePath: hostile, running: null, booted: null, bootDefault: null, drift: false }
  const metrics = agentMetrics(
    { observe: async () => seen } as never,
    { all: async () => [], unreadable: async () => [], holds: { read: async () => null } } as never
  )
  const text = await metrics()
  t.notMatch(text, /^evil/m)
  t.match(text, '\\"\\n} 1\\nevil 5\\\\')
  const lint = await runCommand(['promtool', 'check', 'metrics'], { timeoutMs: 20_000, input: text })
  t.equal(lint.code, 0, lint.stderr)
})
