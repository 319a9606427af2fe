import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import type { Run } from '../../../controller/build/run.ts'
import { doctor } from '../../../controller/doctor/doctor.ts'
import { lockEngine } from '../../../controller/store/open.ts'
import type { CommandResult } from '../../../shared/command.ts'
import { BelayError } from '../../../shared/errors.ts'
import { fakeAgent } from '../fakes/agent.ts'

const now = Date.parse('2026-03-02T09:00:00Z')

/** A set-up in which ssh and nix answer as told. */
function setUp(
  t: Test,
  { ssh = {}, nix = {}, fleet = 'version: 1\nhosts: { cinnabar: {} }\n' } = {} as {
    ssh?: Partial<CommandResult>
    nix?: Partial<CommandResult>
    fleet?: string
  }
) {
  const directory = t.testdir({ 'fleet.yaml': fleet })
  const agent = fakeAgent({ idle: true })
  t.teardown(agent.close)
  const well = { code: 0, stderr: '', timedOut: false }
  const run: Run = async ([program = '']) =>
    program === 'nix'
      ? { ...well, stdout: 'nix (Nix) 2.31.0', ...nix }
      : { ...well, stdout: `${now / 1000}\n`, ...ssh }
  const state = join(directory, 'state')
  const look = (openTunnel = agent.openTunnel, daemon = async (): Promise<string | null> => null) =>
    doctor(
      { fleet: join(directory, 'fleet.yaml'), state, hosts: [], maxParallel: 4, daemon },
      { run, openTunnel, now: () => now, signal: new AbortController().signal }
    )
  return { look, state, directory }
}
const trouble = (findings: Awaited<ReturnType<typeof doctor>>) =>
  findings.filter(({ level }) => level !== 'ok')

t.test('a set-up that works has nothing to mend', async (t) => {
  const findings = await setUp(t).look()
  t.same(trouble(findings), [])
  t.same(
    findings.map(({ check, host }) => `${host ?? 'here'} ${check}`),
    [
      ...['here nix', 'here daemon', 'here store', 'here lock', 'here fleet file'],
      ...['cinnabar ssh', 'cinnabar clock', 'cinnabar agent', 'cinnabar version']
    ]
  )
})

t.test('what ssh says is told apart, each with its remedy', async (t) => {
  const cases: [string, RegExp, RegExp][] = [
    [
      'Host key verification failed.',
      /host key is not known/,
      /ssh-keyscan cinnabar >> ~\/\.ssh\/known_hosts/
    ],
    ['root@cinnabar: Permission denied (publickey).', /does not let us in/, /authorized_keys of root/],
    [
      'ssh: Could not resolve hostname cinnabar: Name or service not known',
      /does not resolve/,
      /connection\.ssh\.host/
    ],
    ['ssh: connect to host cinnabar port 22: Connection refused', /nothing listens/, /sshd/],
    ['ssh: connect to host cinnabar port 22: Connection timed out', /does not answer/, /is it on/],
    ['something else', /^something else$/, /by hand: ssh root@cinnabar/]
  ]
  for (const [stderr, text, remedy] of cases) {
    const findings = await setUp(t, { ssh: { code: 255, stdout: '', stderr } }).look()
    t.match(trouble(findings), [{ check: 'ssh', host: 'cinnabar', level: 'fail', text, remedy }], stderr)
    t.notOk(
      findings.some(({ check }) => check === 'agent'),
      'what lies behind is not looked at'
    )
  }
  const away = 'version: 1\nhosts: { cinnabar: { presence: intermittent } }\n'
  const asleep = setUp(t, { ssh: { code: null, stdout: '', timedOut: true }, fleet: away })
  t.match(trouble(await asleep.look()), [{ check: 'ssh', level: 'warn' }], 'who may be away is no fault')
})

t.test('a clock that is off, an agent that does not answer, one of another name', async (t) => {
  const late = setUp(t, { ssh: { stdout: `${now / 1000 - 300}\n` } })
  t.match(trouble(await late.look()), [{ check: 'clock', level: 'warn', text: /300 s behind/ }])
  const closed = await setUp(t).look(async () => {
    throw new BelayError('host-unreachable', 'channel 2: open failed: connect failed: Permission denied')
  })
  t.match(trouble(closed), [
    { check: 'agent', level: 'fail', remedy: /group of \/run\/belay\/operate\.sock/ }
  ])
  const other = setUp(t, { fleet: 'version: 1\nhosts: { galena: {} }\n' })
  t.match(trouble(await other.look()), [{ check: 'name', host: 'galena', text: 'it calls itself cinnabar' }])
})

t.test('what is wrong here: fleet file, Nix, store, lock, daemon', async (t) => {
  const broken = setUp(t, { fleet: 'version: 1\nhosts: { cinnabar: { rolls: [] } }\n' })
  t.match(trouble(await broken.look()), [
    { check: 'fleet file', text: /unknown field "rolls"/, remedy: /belay schema/ }
  ])
  const bare = setUp(t, { nix: { code: null, stderr: 'no such program' } })
  t.match(trouble(await bare.look()), [{ check: 'nix', remedy: /PATH/ }])
  const busy = setUp(t)
  {
    using _ = await lockEngine(busy.state)
    t.match(trouble(await busy.look()), [{ check: 'lock', level: 'warn' }])
  }
  const damaged = setUp(t)
  mkdirSync(damaged.state)
  writeFileSync(join(damaged.state, 'rollouts.db'), 'x'.repeat(5000))
  t.match(trouble(await damaged.look()), [{ check: 'store', level: 'fail' }])
  const served = setUp(t)
  t.match(await served.look(undefined, async () => '/run/belay-controller'), [
    { check: 'nix' },
    { check: 'daemon', level: 'ok', text: /\/run\/belay-controller/ },
    { check: 'fleet file' }
  ])
  const refused = await served.look(undefined, async () => {
    throw new BelayError('permission-denied', 'you may not use it')
  })
  t.match(trouble(refused), [{ check: 'daemon', level: 'fail', remedy: /group/ }])
})
