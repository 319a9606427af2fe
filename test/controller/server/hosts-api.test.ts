import { lstatSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { lockEngine } from '../../../controller/store/open.ts'
import { sseEvents } from '../../../shared/agent-client/sse.ts'
import { runCommand } from '../../../shared/command.ts'
import { eventually, startController } from './daemon.ts'

const fleet = 'version: 1\nhosts: { cinnabar: { roles: [web] }, stibnite: { presence: intermittent } }\n'

interface Summary {
  readonly host: string
  readonly answers: boolean | null
  readonly streaming: boolean
}
interface Told {
  readonly kind: string
  readonly host: string | null
  readonly data: { readonly phase?: string }
}

t.test('the sockets may move: away from the state directory, and back', async (t) => {
  const d = await startController(t, { fleet })
  const lives = { status: 'ok' }
  for (const elsewhere of [join(d.directory, 'run'), join(d.directory, 'run'), undefined, undefined]) {
    await d.end()
    rmSync(join(d.directory, 'run'), { recursive: true, force: true })
    await d.start(elsewhere)
    t.match(await d.call('observe', 'GET', '/livez'), lives, 'found where commands look')
    t.equal(lstatSync(join(d.state, 'sockets')).isSymbolicLink(), elsewhere !== undefined)
  }
})

t.test('hosts are heard over a connection that stays, and what they said outlives a restart', async (t) => {
  const d = await startController(t, { fleet })
  const hosts = async () => (await d.call<{ hosts: Summary[] }>('observe', 'GET', '/v1/hosts')).hosts
  const all = async (test: (summary: Summary) => boolean) => {
    const now = await hosts()
    return now.every(test) ? now : null
  }
  t.match(
    await eventually(() => all(({ streaming, answers }) => streaming && answers === true), 'they answer'),
    [
      { host: 'cinnabar', agentVersion: '0.1.0', presence: 'always', error: null },
      { host: 'stibnite', presence: 'intermittent' }
    ]
  )
  t.match(await d.call('observe', 'GET', '/v1/hosts/cinnabar'), {
    summary: { host: 'cinnabar' },
    state: { host: { name: 'cinnabar' }, checks: [], soak: null }
  })
  await t.rejects(d.call('observe', 'GET', '/v1/hosts/cinabar'), {
    code: 'host-unknown',
    message: /Did you mean cinnabar\?/
  })
  await d.end()
  d.down.add('cinnabar')
  await d.start()
  const [cinnabar] = await eventually(
    async () => ((await hosts())[0]?.answers === false ? hosts() : null),
    'it is missed'
  )
  t.match(cinnabar, { answers: false, error: /no route/, agentVersion: '0.1.0', running: /^\/nix\/store\// })
  const metrics = await new Promise<string>((resolve, reject) => {
    import('node:http').then(({ get }) =>
      get({ socketPath: d.socket('observe'), path: '/metrics' }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () => resolve(text))
      }).on('error', reject)
    )
  })
  t.match(metrics, /^belay_controller_hosts\{answers="no"\} 1$/m)
  t.match(metrics, /^belay_controller_host_answers\{host="stibnite"\} 1$/m)
  const checked = await runCommand(['promtool', 'check', 'metrics'], { input: metrics, timeoutMs: 20_000 })
  if (checked.code === null) t.comment('promtool is not here')
  else t.equal(checked.code, 0, checked.stderr)
})

t.test('each step of an operation is an event, and a reader goes on where it was', async (t) => {
  const d = await startController(t, { fleet: 'version: 1\nhosts: { cinnabar: {} }\n' })
  const streaming = async () =>
    (await d.call<{ hosts: Summary[] }>('observe', 'GET', '/v1/hosts')).hosts.every((host) => host.streaming)
  await eventually(streaming, 'the connection')
  await d.call('operate', 'POST', '/v1/rollouts', { plan: await d.plan() })
  const read = async (until: (event: Told) => boolean, lastEventId?: string) => {
    const stop = new AbortController()
    const events: Told[] = []
    const source = { socketPath: d.socket('observe'), path: '/v1/events', signal: stop.signal }
    for await (const event of sseEvents<Told>({ ...source, ...(lastEventId ? { lastEventId } : {}) })) {
      events.push(event)
      if (until(event)) break
    }
    stop.abort()
    return events
  }
  const ended = (event: Told) => event.kind === 'operation' && event.data.phase === 'committed'
  const events = await read(ended)
  const phases = events.filter(({ kind }) => kind === 'operation').map(({ data }) => data.phase)
  t.same(phases.slice(0, 3), ['accepted', 'fetching', 'checking'])
  t.ok(events.some(({ kind }) => kind === 'rollout'))
  t.ok(events.some(({ kind, host }) => kind === 'host-answers' && host === 'cinnabar'))
  const again = await read(() => true, 'ffffffff:999999')
  t.same(again[0], events[0], 'an id of another database is the beginning')
  const call = d.call('observe', 'GET', '/v1/events', undefined, { 'last-event-id': 'nonsense' })
  await t.rejects(call, { code: 'invalid-request', at: 'last-event-id' })
})

t.test(
  'the fleet file is read again when it changes; a broken one changes nothing but is told',
  async (t) => {
    const d = await startController(t, { fleet })
    const inventory = () =>
      d.call<{ hosts: { name: string }[]; problem: string | null }>('observe', 'GET', '/v1/inventory')
    t.match(await inventory(), { hosts: [{ name: 'cinnabar' }, { name: 'stibnite' }], problem: null })
    writeFileSync(d.file, 'version: 1\nhosts: { cinnabar: { rolls: [web] } }\n')
    const broken = await eventually(async () => {
      const now = await inventory()
      return now.problem === null ? null : now
    }, 'the problem')
    t.match(broken, { problem: /unknown field "rolls"/, hosts: [{ name: 'cinnabar' }, { name: 'stibnite' }] })
    writeFileSync(d.file, 'version: 1\nhosts: { galena: {} }\n')
    await eventually(async () => (await inventory()).hosts[0]?.name === 'galena', 'the new one')
    const { hosts } = await d.call<{ hosts: Summary[] }>('observe', 'GET', '/v1/hosts')
    t.match(hosts, [{ host: 'galena' }])
    t.equal(hosts.length, 1)
  }
)

t.test('probes, discovery, and a route for nothing', async (t) => {
  const d = await startController(t, { fleet })
  t.match(await d.call('observe', 'GET', '/livez'), { status: 'ok' })
  t.match(await eventually(() => d.call('observe', 'GET', '/readyz').catch(() => null), 'ready'), {
    status: 'ok'
  })
  t.match(await d.call('observe', 'GET', '/sd?port=9100'), [
    { targets: ['cinnabar:9100'], labels: { __meta_belay_roles: ',web,', __meta_belay_presence: 'always' } },
    { targets: ['stibnite:9100'], labels: { __meta_belay_presence: 'intermittent' } }
  ])
  await t.rejects(d.call('observe', 'GET', '/sd?port=99999'), { code: 'invalid-request' })
  await t.rejects(d.call('observe', 'GET', '/v1/nothing'), { code: 'not-found' })
  await t.rejects(d.call('observe', 'GET', '/v1/audit'), { code: 'role-too-low' })
  await t.rejects(lockEngine(d.state), { code: 'store-locked' }, 'one at a time')
})
