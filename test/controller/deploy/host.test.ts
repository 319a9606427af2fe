import t from 'tap'
import { deployHost } from '../../../controller/deploy/host.ts'
import { BelayError } from '../../../shared/errors.ts'
import { deployment } from '../fakes/deployment.ts'
import { storePath } from '../fakes/fleet-host.ts'

const way = ['connecting', 'pushing', 'accepted', 'fetching', 'checking', 'arming', 'activating', 'verifying']

t.test('a good generation is pushed, started, confirmed and committed', async (t) => {
  const d = deployment(t)
  const result = await deployHost(d.plan, d.ports)
  t.match(result, { host: 'cinnabar', outcome: 'committed', operation: 'op-1', storePath: storePath('b') })
  t.same(d.steps(), [...way, 'confirming', 'committing', 'committed'])
  t.same(d.pushed, [storePath('b')])
  t.match(d.agent.seen.starts, [
    { key: 'key-1', body: { storePath: storePath('b'), reason: 'a test', confirm: { windowSeconds: 60 } } }
  ])
  t.equal(d.agent.seen.open, 0, 'every tunnel is closed')
  t.match(d.events.at(-1), { type: 'result', result: { outcome: 'committed' } })
})

t.test('the generation that runs already is left alone', async (t) => {
  const d = deployment(t, { running: storePath('b') })
  t.match(await deployHost(d.plan, d.ports), { outcome: 'unchanged', operation: null })
  t.same(d.pushed, [])
  t.same(d.agent.seen.starts, [])
})

t.test('what the agent refuses is a refusal with its code, and is not asked again', async (t) => {
  const d = deployment(t, { starts: [{ status: 409, code: 'operation-running' }] })
  const result = await deployHost(d.plan, d.ports)
  t.match(result, { outcome: 'refused', code: 'operation-running', reason: 'because of operation-running' })
  t.equal(d.agent.seen.starts.length, 1)
})

t.test('a lost answer is asked for again with the same key', async (t) => {
  const d = deployment(t, { starts: ['break', { status: 503, code: 'starting' }] })
  t.match(await deployHost(d.plan, d.ports), { outcome: 'committed' })
  t.same(
    d.agent.seen.starts.map((start) => start.key),
    ['key-1', 'key-1', 'key-1']
  )
})

t.test('an answer that stays lost leaves nothing certain', async (t) => {
  const d = deployment(t, { starts: Array(100).fill('break') })
  const result = await deployHost(d.plan, d.ports)
  t.match(result, { outcome: 'unreachable', operation: null, reason: /nobody knows whether/ })
})

t.test('a host that is not there is tried for a while; nothing was started', async (t) => {
  const openTunnel = async () => {
    throw new BelayError('host-unreachable', 'cinnabar: No route to host')
  }
  const d = deployment(t, {}, { openTunnel })
  const result = await deployHost(d.plan, d.ports)
  t.match(result, { outcome: 'unreachable', code: 'host-unreachable', reason: /nothing was started/ })
  t.ok(result.seconds >= 20 && result.seconds < 30, `${result.seconds} s`)
  t.same(d.clock.slept.slice(0, 7), [250, 500, 1000, 2000, 4000, 5000, 5000])
  t.equal(d.notes().length, 1, 'said once')
})

t.test('a push that fails starts nothing', async (t) => {
  const push = async () => {
    throw new BelayError('push-failed', 'no space left')
  }
  const d = deployment(t, {}, { push })
  t.match(await deployHost(d.plan, d.ports), { outcome: 'not-started', code: 'push-failed' })
  t.same(d.agent.seen.starts, [])
})

t.test('what must be there before comes behind the copy; without it nothing starts', async (t) => {
  let code: 'vars-failed' | null = 'vars-failed'
  const prepare = async (_: unknown, path: string) => {
    t.same(d.pushed.at(-1), path)
    if (code !== null) throw new BelayError(code, 'nobody answered')
  }
  const d = deployment(t, {}, { prepare })
  t.match(await deployHost(d.plan, d.ports), { outcome: 'not-started', code: 'vars-failed' })
  t.same(d.agent.seen.starts, [])
  code = null
  t.match(await deployHost(d.plan, d.ports), { outcome: 'committed' })
  t.ok(d.steps().includes('preparing'))
})

t.test('whoever interrupts is told that the host goes on', async (t) => {
  const d = deployment(t, { before: ['accepted', 'fetching'] })
  const emit = d.ports.emit
  const ports = {
    ...d.ports,
    emit: (event: Parameters<typeof emit>[0]) => {
      emit(event)
      if (event.type === 'step' && event.step === 'fetching') d.interrupt.abort()
    }
  }
  t.match(await deployHost(d.plan, ports), { outcome: 'not-followed', operation: 'op-1' })
  t.equal(d.agent.seen.open, 0, 'every tunnel is closed')
})

t.test('interrupted before the start, nothing was changed', async (t) => {
  const d = deployment(t)
  d.interrupt.abort()
  t.match(await deployHost(d.plan, d.ports), { outcome: 'not-started', operation: null })
})

t.test(
  'homes go with the system in one request, each copied first; alone a home is its own profile',
  async (t) => {
    const homes = [{ user: 'alice', storePath: storePath('c') }]
    const d = deployment(t, { running: storePath('b'), homes: { alice: storePath('d') } })
    t.match(await deployHost({ ...d.plan, homes }, d.ports), { host: 'cinnabar', outcome: 'committed' })
    t.same(d.pushed, [storePath('b'), storePath('c')])
    t.match(d.agent.seen.starts, [{ body: { storePath: storePath('b'), homes } }])
    t.notOk('profile' in (d.agent.seen.starts[0]?.body ?? {}))
    const prepared: string[] = []
    const prepare = async (_: unknown, path: string) => void prepared.push(path)
    const alone = deployment(t, {}, { prepare })
    const plan = {
      ...alone.plan,
      name: 'alice@cinnabar',
      profile: 'home:alice',
      storePath: storePath('c')
    } as const
    t.match(await deployHost(plan, alone.ports), { host: 'alice@cinnabar', outcome: 'committed' })
    t.match(alone.agent.seen.starts, [{ body: { profile: 'home:alice', storePath: storePath('c') } }])
    t.notOk('homes' in (alone.agent.seen.starts[0]?.body ?? {}))
    t.same(prepared, [], 'checklist and secrets are of the system')
    t.ok(alone.events.every((event) => event.type === 'result' || event.host === 'alice@cinnabar'))
  }
)

t.test('nothing is done where system and homes run already', async (t) => {
  const homes = [{ user: 'alice', storePath: storePath('c') }]
  const d = deployment(t, { running: storePath('b'), homes: { alice: storePath('c') } })
  t.match(await deployHost({ ...d.plan, homes }, d.ports), { outcome: 'unchanged' })
  t.same(d.agent.seen.starts, [])
})
