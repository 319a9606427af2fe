import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Preflight } from '../../shared/api/preflight.ts'
import { startCommand } from '../../shared/command.ts'
import { journalOf, realAgent, truthOf } from './deployment.ts'
import { everything } from './everything.ts'
import { startFleet } from './fleet.ts'
import type { Generation } from './generation.ts'
import type { Host } from './host.ts'
import { fleetUnavailable } from './root.ts'

/** What makes one check fail, and what takes it away again. */
interface Case {
  readonly check: string
  readonly code: string
  readonly generation?: Partial<Generation>
  readonly settings?: object
  readonly before?: string
  readonly after?: string
  /** The daemon refuses already, before an operation begins. */
  readonly atAdmission?: true
}

const unitOfOthers = 'nixos-rebuild-switch-to-configuration'
const never = { days: ['mon'], from: '00:00', to: '00:01', timeZone: 'Pacific/Kiritimati' }
// A window that is closed for hours, whatever the day is.
const closed = {
  ...never,
  days: [['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'][(new Date().getUTCDay() + 4) % 7]]
}
const key = 'belay-test-1:pUMUdN5XlDQ0nNk3oNHv1ROTEwDBlKq3yOsbiVRVLgM='

const cases: readonly Case[] = [
  {
    check: 'hold',
    code: 'held',
    before: 'belay-agent hold "someone travels"',
    after: 'belay-agent release',
    atAdmission: true
  },
  { check: 'window', code: 'outside-window', settings: { windows: [closed] }, atAdmission: true },
  {
    check: 'candidate',
    code: 'wrong-host',
    generation: { files: { 'etc/hostname': 'electrum\n' } },
    atAdmission: true
  },
  {
    check: 'agent',
    code: 'agent-missing',
    generation: { agent: 'none', units: { 'belay-agent.service': '[Service]\nExecStart=/bin/true\n' } }
  },
  { check: 'agent-runs', code: 'agent-broken', generation: { agent: 'broken' } },
  {
    check: 'trust',
    code: 'trust-lost',
    generation: { files: { 'etc/nix/nix.conf': 'require-sigs = false\n' } },
    settings: { trust: { onLoss: 'fail' } }
  },
  { check: 'signatures', code: 'unsigned', settings: { trust: { signaturesNeeded: 1, publicKeys: [key] } } },
  {
    check: 'reboot',
    code: 'reboot-required',
    generation: { files: { 'switch-inhibitors': '{"dbus-implementation":"broker"}' } }
  },
  {
    check: 'other-activation',
    code: 'operation-running',
    before: `systemd-run --unit=${unitOfOthers} --collect sleep 60`,
    after: `systemctl stop ${unitOfOthers}`
  },
  {
    check: 'baseline',
    code: 'baseline-broken',
    before: 'cp -p /run/current-system/nixos-version /root/was; echo x >> /run/current-system/nixos-version',
    after: 'cp -p /root/was /run/current-system/nixos-version'
  },
  {
    check: 'baseline-boot-entry',
    code: 'baseline-not-bootable',
    before: 'mv /boot/loader/entries /boot/loader/e; mkdir /boot/loader/entries',
    after: 'rmdir /boot/loader/entries; mv /boot/loader/e /boot/loader/entries'
  },
  { check: 'space-store', code: 'no-space', settings: { preflight: { storeBytes: 1e15 } } },
  {
    check: 'space-boot',
    code: 'no-space',
    generation: { files: { kernel: 'k'.repeat(100_000) } },
    settings: { preflight: { bootBytes: 0 } },
    before: 'cp -a /boot /root/boot; mount -t tmpfs -o size=64k tmpfs /boot; cp -a /root/boot/. /boot',
    after: 'umount /boot; rm -r /root/boot'
  },
  { check: 'space-state', code: 'no-space', settings: { preflight: { stateBytes: 1e15 } } },
  {
    check: 'boot-writable',
    code: 'boot-not-writable',
    before: 'mount --bind /boot /boot; mount -o remount,bind,ro /boot',
    after: 'umount /boot'
  },
  { check: 'second-way', code: 'no-second-way', settings: { physicalAccess: false } }
]

const shell = (host: Host, script: string) => host.must(['sh', '-c', script])

/** Lets the agent, and the runners that it starts, read these settings. */
async function configure(host: Host, settings: object): Promise<void> {
  writeFileSync(join(host.root, 'root/agent.json'), JSON.stringify(settings))
  const dropIn = '/run/systemd/system/belay-agent.service.d'
  const text = '[Service]\\nEnvironment=BELAY_CONFIG=/root/agent.json\\n'
  await shell(
    host,
    `mkdir -p ${dropIn}; printf '${text}' > ${dropIn}/config.conf; systemctl daemon-reload; systemctl restart belay-agent`
  )
}

async function preflight(host: Host, path: string) {
  const { code, stdout, stderr } = await host.run(['belay-agent', '--json', 'preflight', path])
  if (!stdout.startsWith('{"storePath"')) throw new Error(stdout + stderr)
  const answer = JSON.parse(stdout) as Preflight
  return { exit: code, answer, of: (name: string) => answer.checks.find((check) => check.name === name) }
}

t.test('preflight on real hosts', { skip: fleetUnavailable() ?? false, timeout: 900_000 }, async (t) => {
  const baseline = {
    generation: 'baseline',
    agent: 'bundle',
    files: { 'switch-inhibitors': '{"dbus-implementation":"dbus"}' }
  }
  await using fleet = await startFleet({
    hosts: ['cinnabar'],
    operator: true,
    agent: realAgent(),
    generations: { cinnabar: baseline }
  })
  const host = fleet.host('cinnabar')
  const push = async (label: string, generation: Partial<Generation> = {}) => {
    fleet.writeGenerations({ cinnabar: { generation: label, agent: 'bundle', ...generation } })
    return fleet.push('cinnabar')
  }
  const good = await push('good', {
    services: { web: 'exec sleep infinity' },
    files: { 'etc/motd': 'hello\n' }
  })
  const before = await truthOf(host)

  await t.test('a look changes nothing, on a generation that would change much', async (t) => {
    // What is loaded once, and stays loaded.
    await preflight(host, good)
    const was = await everything(host)
    const { exit, answer } = await preflight(host, good)
    t.equal(await everything(host), was)
    t.ok(was.length > 10_000, 'it was a long list')
    t.equal(exit, 0)
    t.match(answer, { ok: true, storePath: good })
    t.equal(answer.checks.filter(({ result }) => result === 'fail').length, 0)
    t.equal(answer.checks.length, 20)
  })

  for (const { check, code, settings, generation, before: provoke, after: mend, atAdmission } of cases) {
    await t.test(`${check}: ${code}, in a look and before an activation`, async (t) => {
      const path = generation === undefined ? good : await push(check, generation)
      if (settings) await configure(host, settings)
      if (provoke) await shell(host, provoke)
      const { exit, answer, of } = await preflight(host, path)
      t.equal(exit, 1)
      t.equal(answer.ok, false)
      t.match(of(check), { result: 'fail', code, evidence: /./, remedy: /./ })
      const failed = answer.checks.filter(({ result }) => result === 'fail').map(({ name }) => name)
      t.same(failed, [check], 'nothing else fails')
      const refused = await host.run(['belay-agent', '--json', 'activate', path, '--auto-confirm'])
      t.equal(refused.code, 1)
      if (atAdmission) t.match(JSON.parse(refused.stdout), { error: { code } })
      else {
        t.match(refused.stdout, /"phase":"refused"/)
        const status = JSON.parse(await host.must(['belay-agent', '--json', 'status'])) as {
          operation: { code: string; reason: string }
        }
        t.equal(status.operation.code, code)
        t.ok(status.operation.reason.includes(of(check)?.remedy ?? 'no remedy'), status.operation.reason)
      }
      t.same({ ...(await truthOf(host)), runner: 'inactive', bootDefault: before.bootDefault }, before)
      if (mend) await shell(host, mend)
      if (settings) await configure(host, {})
    })
  }

  await t.test('people who are logged in, and a clock that is not synchronised', async (t) => {
    await shell(
      host,
      'useradd -m alice; mkdir -p ~alice/.ssh; cp /root/.ssh/authorized_keys ~alice/.ssh; chown -R alice ~alice/.ssh'
    )
    const session = await startCommand(fleet.operator.inside(['ssh', 'alice@cinnabar', 'sleep 60']))
    await host.waitFor(
      async () => (await host.must(['loginctl', 'list-sessions', '--json=short'])).includes('"class":"user"'),
      'a session'
    )
    t.match((await preflight(host, good)).of('users'), { result: 'warn', evidence: 'logged in: alice' })
    await configure(host, { preflight: { users: 'fail', clock: 'fail' } })
    const { of } = await preflight(host, good)
    t.match(of('users'), { result: 'fail', code: 'users-logged-in' })
    const synchronised = await host.must(['timedatectl', 'show', '--property=NTPSynchronized', '--value'])
    t.match(
      of('clock'),
      synchronised.trim() === 'yes' ? { result: 'pass' } : { result: 'fail', code: 'clock-not-synchronised' },
      `timedatectl says ${synchronised.trim()}`
    )
    await session.kill()
    await configure(host, {})
  })

  await t.test('what cannot be told keeps back only where a setting says so', async (t) => {
    await shell(host, 'mv /boot/loader /boot/other')
    t.match(await preflight(host, good), { exit: 0, answer: { ok: true } })
    await configure(host, { preflight: { mustKnow: ['baseline-boot-entry'] } })
    const { exit, of } = await preflight(host, good)
    t.match({ exit, check: of('baseline-boot-entry') }, { exit: 1, check: { result: 'unknown', code: null } })
    await shell(host, 'mv /boot/other /boot/loader')
    await configure(host, {})
  })

  await t.test('with a key of its own the host takes what carries a signature by it', async (t) => {
    const made = 'nix-store --generate-binary-cache-key belay-test-2 /root/sk /root/pk; cat /root/pk'
    const publicKey = (await shell(host, made)).trim()
    await configure(host, { trust: { signaturesNeeded: 1, publicKeys: [publicKey] } })
    t.match((await preflight(host, good)).of('signatures'), { result: 'fail', code: 'unsigned' })
    await host.must(['nix', 'store', 'sign', '--key-file', '/root/sk', '--recursive', good])
    t.match((await preflight(host, good)).of('signatures'), { result: 'pass' })
    await configure(host, {})
  })

  await t.test('a hold that comes after the admission is heard in time', async (t) => {
    await host.must(['systemd-run', '--unit=belay-operation', '--collect', 'sleep', '60'])
    const count = async () => (await shell(host, 'ls /var/lib/belay/operations | wc -l')).trim()
    const was = await count()
    const activate = host.run(['belay-agent', '--json', 'activate', good, '--auto-confirm'])
    await host.waitFor(async () => (await count()) !== was, 'the admission')
    await host.must(['belay-agent', 'hold', 'wait'])
    await host.must(['systemctl', 'stop', 'belay-operation'])
    await activate
    await host.waitFor(async () => (await journalOf(host)).phases.at(-1) === 'refused', 'the refusal')
    const metrics = ['curl', '-s', '--unix-socket', '/run/belay/observe.sock', 'http://agent/metrics']
    t.match(await host.must(metrics), /^belay_agent_held 1$/m)
    t.match(JSON.parse(await host.must(['belay-agent', '--json', 'status'])), {
      host: { hold: { reason: 'wait' } },
      operation: { code: 'held' }
    })
    await host.must(['belay-agent', 'release'])
    t.match(await host.must(metrics), /^belay_agent_held 0$/m)
  })

  await t.test('outside the windows where a person says so, and that is written down', async (t) => {
    await configure(host, { windows: [closed] })
    t.match(await host.run(['belay-agent', 'activate', good, '--auto-confirm']), {
      code: 1,
      stderr: /outside-window/
    })
    const outside = ['belay-agent', 'activate', good, '--auto-confirm', '--outside-window']
    t.match(await host.run(outside), { code: 0 })
    t.equal((await truthOf(host)).running, good)
    const journal = await shell(host, 'cat /var/lib/belay/operations/*/journal.jsonl')
    t.match(journal, /"outsideWindow":true/)
    t.match(journal, /outside the windows, as operate socket asked/)
  })

  await t.test('an emergency rollback goes through all of it, and puts the host on hold', async (t) => {
    await configure(host, { windows: [closed], physicalAccess: false, preflight: { storeBytes: 1e15 } })
    await host.must(['belay-agent', 'hold', 'before'])
    await host.must(['belay-agent', 'release'])
    const rollback = await host.run(['belay-agent', 'rollback', '--reason', 'it smells'])
    t.match(rollback, { code: 0, stderr: /on hold/ })
    t.same(await truthOf(host), before)
    t.match(await host.must(['belay-agent', 'status']), /ON HOLD .*emergency rollback: it smells/)
    await configure(host, {})
    t.match(await host.run(['belay-agent', 'activate', good, '--auto-confirm']), {
      code: 1,
      stderr: /\(held\)/
    })
    await host.must(['belay-agent', 'release'])
    t.match(await host.run(['belay-agent', 'activate', good, '--auto-confirm']), { code: 0 })
    await host.must(['belay-agent', 'hold', 'no more'])
    t.match(await host.run(['belay-agent', 'rollback']), { code: 0 }, 'a held host rolls back')
    t.match(await host.must(['belay-agent', 'status']), /ON HOLD .*no more/, 'the reason stays')
  })
})
