import { appendFileSync, cpSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { DesiredState } from '../../shared/api/desired.ts'
import { journalOf, realAgent, truthOf } from './deployment.ts'
import { startFleet } from './fleet.ts'
import type { Host } from './host.ts'
import { fleetUnavailable } from './root.ts'

const agent = async (host: Host, ...args: string[]) => {
  const { stdout, code } = await host.run(['belay-agent', '--json', ...args])
  return { exit: code, ...(JSON.parse(stdout || '{}') as DesiredState & { error?: { code: string } }) }
}
const state = (host: Host) => agent(host, 'desired')
const set = (host: Host, path: string, revision: number, ...more: string[]) =>
  agent(host, 'desired', 'set', path, '--revision', `${revision}`, '--confirm', 'health', ...more)
const reached = (host: Host) =>
  host.waitFor(async () => (await state(host)).is === 'reached', 'the desired state')
const pending = (host: Host, code: string) =>
  host.waitFor(async () => (await state(host)).pending?.code === code, code)

t.test(
  'the desired state of a real host',
  { skip: fleetUnavailable() ?? false, timeout: 400_000 },
  async (t) => {
    await using fleet = await startFleet({ hosts: ['cinnabar'], operator: true, agent: realAgent() })
    const host = fleet.host('cinnabar')
    const build = async (label: string, more: object = {}) => {
      fleet.writeGenerations({ cinnabar: { generation: label, agent: 'bundle', ...more } })
      return fleet.build('cinnabar')
    }
    const operations = async () =>
      Number((await host.must(['sh', '-c', 'ls /var/lib/belay/operations | grep -c Z-'])).trim())

    await t.test('said, and the agent killed at once: it goes there by itself, once', async (t) => {
      const path = await fleet.push('cinnabar', await build('first'))
      await host.must(['belay-agent', 'hold', 'its owner travels'])
      t.match(await set(host, path, 1), { exit: 0, pending: { code: 'held', text: /its owner travels/ } })
      await host.must(['systemctl', 'kill', '--signal=KILL', 'belay-agent'])
      await host.waitFor(async () => (await state(host)).exit !== null, 'the agent again')
      await host.waitFor(async () => (await host.run(['belay-agent', 'release'])).code === 0, 'the release')
      await reached(host)
      t.match(await truthOf(host), { running: path, profile: path, bootDefault: path })
      t.equal(await operations(), 1)
      const metrics = await host.must([
        'curl',
        '-s',
        '--unix-socket',
        '/run/belay/observe.sock',
        'http://x/metrics'
      ])
      t.match(metrics, /belay_agent_desired_revision 1\n/)
      t.match(metrics, /^belay_agent_desired_staleness_seconds 0$/m)
    })

    await t.test('older, or another under the same revision, is refused', async (t) => {
      const path = await build('never')
      t.match(await set(host, path, 1), { exit: 1, error: { code: 'desired-conflict' } })
      const first = (await truthOf(host)).running
      t.match(await set(host, first, 2), { exit: 0, is: 'reached' })
      t.match(await set(host, path, 1), { exit: 1, error: { code: 'desired-older' } })
    })

    await t.test('what is not here is fetched from a substituter of the host', async (t) => {
      const path = await build('fetched')
      await fleet.operator.must(['nix', 'copy', '--to', 'file:///root/cache', path])
      cpSync(join(fleet.operator.root, 'root/cache'), join(host.root, 'srv/cache'), { recursive: true })
      appendFileSync(
        join(host.root, 'etc/nix/nix.conf'),
        '\nsubstituters = file:///srv/cache\nrequire-sigs = false\n'
      )
      // As NixOS has it: Nix makes its store writable for itself, in the agent's unit too.
      const readOnly = 'mount --bind /nix/store /nix/store && mount -o remount,bind,ro /nix/store'
      await host.must([
        'sh',
        '-c',
        `${readOnly} && systemctl stop nix-daemon && systemctl restart belay-agent`
      ])
      t.not((await host.run(['touch', '/nix/store/by-hand'])).code, 0, 'the store is read-only')
      t.match(await set(host, path, 3), { exit: 0, pending: { code: 'fetching' } })
      await reached(host)
      t.match(await truthOf(host), { running: path, profile: path })
    })

    await t.test('another plan than the one that was read is refused before anything changes', async (t) => {
      const before = await truthOf(host)
      const path = await fleet.push('cinnabar', await build('unread'))
      await set(host, path, 4, '--plan', '0'.repeat(64))
      await pending(host, 'plan-changed')
      t.same((await journalOf(host)).phases, ['fetching', 'checking', 'refused'])
      t.same(await truthOf(host), before)
      const plan = JSON.parse(await host.must(['belay-agent', '--json', 'preview', path])) as { hash: string }
      await set(host, path, 5, '--plan', plan.hash)
      await reached(host)
      t.match(await truthOf(host), { running: path, profile: path })
    })

    await t.test('one that goes back is tried once; what somebody does by hand stays', async (t) => {
      const before = await truthOf(host)
      const bad = await fleet.push('cinnabar', await build('bad', { failingUnit: true }))
      await set(host, bad, 6)
      await pending(host, 'known-bad')
      t.same(await truthOf(host), before)
      const count = await operations()
      const good = await fleet.push('cinnabar', await build('good'))
      await set(host, good, 7)
      await reached(host)
      t.equal(await operations(), count + 1, 'the bad one was tried once')
      await host.must([`${before.running}/bin/switch-to-configuration`, 'test'])
      await pending(host, 'drifted')
      t.equal((await truthOf(host)).running, before.running)
    })
  }
)
