import type { Test } from 'tap'
import t from 'tap'
import { journalOf, realAgent, truthOf } from './deployment.ts'
import { limits } from './faults/fault.ts'
import type { Fleet } from './fleet.ts'
import { startFleet } from './fleet.ts'
import type { Host } from './host.ts'
import { fleetUnavailable } from './root.ts'

/** A generation that fails verification. */
const bad = { generation: 'bad', agent: 'bundle', agentConfig: { limits }, failingUnit: true }
/** Its own switch works; those that would bring the baseline back do not, until the file is removed. */
const breakRollback =
  'until systemctl is-failed --quiet failing.service; do sleep 0.01; done; echo 1000 > /run/fixture-broken-switches'
const message = '/run/motd.d/belay'
const there = async (host: Host, path: string) => (await host.run(['test', '-e', path])).code === 0
const mend = (host: Host) => host.must(['rm', '-f', '/run/fixture-broken-switches'])

/** Brings an operation on a host that is good to `stuck`, and gives its identity. */
async function makeStuck(fleet: Fleet, host: Host): Promise<string> {
  fleet.writeGenerations({ [host.name]: bad })
  const path = await fleet.push(host.name)
  await host.must(['systemd-run', '--quiet', '--collect', 'sh', '-c', breakRollback])
  await host.must(['belay-agent', 'activate', path, '--auto-confirm', '--again', '--no-follow'])
  await host.waitFor(async () => (await journalOf(host)).phases.at(-1) === 'stuck', 'stuck')
  return (await journalOf(host)).id
}

/** The operation is closed, and the host is as it has to be, and stays so. */
async function isGood(t: Test, host: Host, id: string, wanted: Awaited<ReturnType<typeof truthOf>>) {
  const closed = async () => {
    const { id: newest, phases } = await journalOf(host)
    return newest === id && phases.at(-1) === 'rolled-back'
  }
  await host.waitFor(closed, 'the end of the operation')
  await host.waitFor(async () => (await truthOf(host)).guards.length === 0, 'the guard to go')
  await host.waitFor(async () => (await truthOf(host)).runner === 'inactive', 'the runner to go')
  await host.waitFor(async () => (await host.run(['belay-agent', 'status'])).code === 0, 'the agent')
  t.same(await truthOf(host), wanted)
  // Longer than the agent's supervision takes to start what it finds unfinished.
  await host.must(['sleep', '17'])
  t.same(await truthOf(host), wanted, 'and it stays so')
  t.notOk(await there(host, message), 'nobody is asked for at login any more')
  t.match(await host.run(['belay-agent', 'audit', 'verify']), { code: 0, stdout: /rolled-back\n.* ok$/ })
}

t.test(
  'the way back by hand, and what the agent makes of it',
  { skip: fleetUnavailable() ?? false },
  async (t) => {
    const baseline = { generation: 'baseline', agent: 'bundle', agentConfig: { limits } }
    await using fleet = await startFleet({
      hosts: ['cinnabar'],
      operator: true,
      agent: realAgent(),
      generations: { cinnabar: baseline }
    })
    const host = fleet.host('cinnabar')
    const before = await truthOf(host)

    await t.test('the script, with the agent stopped and Node gone', async (t) => {
      const id = await makeStuck(fleet, host)
      await host.waitFor(() => there(host, message), 'the message at login')
      const login = await fleet.operator.must(['sh', '-c', 'echo exit | ssh -tt root@cinnabar'])
      t.match(login, new RegExp(`cinnabar needs a person[^]*${id}[^]*sh /var/lib/belay/rescue.sh`))
      const command = await fleet.operator.must(['ssh', 'root@cinnabar', 'true'])
      t.equal(command, '', 'nothing in the way of a program')
      await host.must(['systemctl', 'stop', 'belay-agent'])
      await host.must(['mount', '--bind', '/dev/null', '/opt/belay/node'])
      const run = () => host.run(['env', '-i', '/bin/sh', '/var/lib/belay/rescue.sh'])
      const inVain = await run()
      t.match(
        inVain,
        { code: 1, stdout: /does NOT run \(exit code 1\)\. Restart the machine/ },
        inVain.stdout
      )
      t.match(await truthOf(host), {
        profile: before.profile,
        bootDefault: before.bootDefault,
        runner: 'inactive'
      })
      await mend(host)
      const done = await run()
      t.match(done, { code: 0, stdout: /rescue: done/ }, done.stdout)
      t.match(await truthOf(host), { running: before.running, guards: [] })
      await host.must(['umount', '/opt/belay/node'])
      await host.run(['systemctl', 'start', 'belay-agent'])
      await isGood(t, host, id, before)
    })

    await t.test('the printed commands, typed by a person', async (t) => {
      const id = await makeStuck(fleet, host)
      await host.must(['systemctl', 'stop', 'belay-agent'])
      const { plan } = JSON.parse(await host.must(['belay-agent', '--json', 'rescue'])) as {
        plan: { steps: { command: string }[] }
      }
      t.equal(plan.steps.length, 4)
      await mend(host)
      for (const { command } of plan.steps) await host.run(['sh', '-c', command])
      t.match(await truthOf(host), { running: before.running, profile: before.profile })
      await isGood(t, host, id, before)
    })

    await t.test('--run, with a damaged known-good list and a broken configuration', async (t) => {
      const id = await makeStuck(fleet, host)
      await host.must(['systemctl', 'stop', 'belay-agent'])
      await host.must(['sh', '-c', 'echo "{" > /var/lib/belay/marks.json'])
      await mend(host)
      const done = await host.run(['env', 'BELAY_CONFIG=/dev/null', 'belay-agent', 'rescue', '--run'])
      t.match(done, { code: 0, stdout: /This host is back/, stderr: /default configuration/ }, done.stdout)
      t.match(done.stderr, /known-good list cannot be used/)
      await isGood(t, host, id, before)
    })

    await t.test('--run while a confirmation is waited for, on a full disk, with nobody there', async (t) => {
      fleet.writeGenerations({ cinnabar: { ...baseline, generation: 'waits' } })
      const path = await fleet.push('cinnabar')
      await host.must(['sh', '-c', smallDisk])
      await host.must(['belay-agent', 'activate', path, '--window', '300', '--no-follow'])
      await host.waitFor(async () => (await journalOf(host)).phases.at(-1) === 'confirming', 'confirming')
      const { id } = await journalOf(host)
      await host.must(['systemctl', 'kill', '--signal=KILL', 'belay-agent'])
      await host.run(['sh', '-c', 'cat /dev/zero > /var/lib/belay/fill'])
      const done = await host.run(['belay-agent', 'rescue', '--run'])
      t.match(done, { code: 0, stdout: /was told to give up/ }, done.stdout)
      await host.must(['rm', '/var/lib/belay/fill'])
      await isGood(t, host, id, before)
      await host.must(['sh', '-c', bigDisk])
    })

    await t.test('nothing unfinished, and the state directory gone: only where a person says', async (t) => {
      fleet.writeGenerations({ cinnabar: { ...baseline, generation: 'next' } })
      const path = await fleet.push('cinnabar')
      await host.must(['belay-agent', 'activate', path, '--auto-confirm'])
      await host.must(['sh', '-c', 'systemctl stop belay-agent && mv /var/lib/belay /root/state'])
      t.match(await host.run(['belay-agent', 'rescue']), {
        code: 0,
        stdout: new RegExp(`way back.*${before.running}`)
      })
      const refused = await host.run(['belay-agent', 'rescue', '--run'])
      const [, number = ''] = /--generation (\d+)/.exec(refused.stderr) ?? []
      t.match(refused, { code: 2, stderr: /say where to/ })
      t.equal((await truthOf(host)).running, path, 'nothing was done')
      const done = await host.run(['belay-agent', 'rescue', '--run', '--generation', number])
      t.equal(done.code, 0, done.stdout + done.stderr)
      t.same(await truthOf(host), before)
      await host.must([
        'sh',
        '-c',
        'systemctl stop belay-agent; rm -rf /var/lib/belay; mv /root/state /var/lib/belay; systemctl start belay-agent'
      ])
      await host.must(['sleep', '17'])
      t.same(await truthOf(host), before, 'what was committed does not come again')
    })

    await t.test('--run to another generation than the operation goes to', async (t) => {
      fleet.writeGenerations({ cinnabar: { ...baseline, generation: 'middle' } })
      const middle = await fleet.push('cinnabar')
      const refused = await host.run(['belay-agent', 'activate', middle, '--auto-confirm'])
      t.match(refused, { code: 1, stderr: /drifted/ }, 'a rescue is a switch by hand')
      await host.must(['belay-agent', 'activate', middle, '--auto-confirm', '--over-drift'])
      const id = await makeStuck(fleet, host)
      const number = (await host.must(['readlink', '/nix/var/nix/profiles/system'])).trim()
      t.match(await host.run(['belay-agent', 'rescue']), {
        stdout: new RegExp(`way back: generation .*${middle}`)
      })
      // Or one of them brings the operation to its end as soon as that is possible.
      await host.run(['systemctl', 'stop', 'belay-agent', 'belay-operation', 'belay-guard-*'])
      await mend(host)
      const done = await host.run(['belay-agent', 'rescue', '--run', '--generation', '1'])
      t.equal(done.code, 0, done.stdout)
      t.not(number, 'system-1-link')
      await isGood(t, host, id, before)
    })

    await t.test('a restart does what the switch could not', async (t) => {
      const id = await makeStuck(fleet, host)
      const done = await host.run(['belay-agent', 'rescue', '--run'])
      t.match(
        done,
        { code: 1, stdout: /NOT back yet[\s\S]*Restart the machine \(systemctl reboot\)/ },
        done.stdout
      )
      await host.powerCut()
      await host.boot()
      await isGood(t, host, id, before)
    })
  }
)

const state = '/var/lib/belay'
/** A small disk under the agent's state. */
const smallDisk = `systemctl stop belay-agent && rm -rf /root/state && cp -a ${state} /root/state &&
  mount -t tmpfs -o size=8m tmpfs ${state} && cp -a /root/state/. ${state}/ && systemctl start belay-agent`
const bigDisk = `systemctl stop belay-agent && rm -rf /root/state && cp -a ${state} /root/state && umount --lazy ${state} &&
  cp -a /root/state/. ${state}/ && rm -rf /root/state && systemctl start belay-agent`
