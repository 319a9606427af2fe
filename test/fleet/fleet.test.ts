import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import type { Fleet } from './fleet.ts'
import { startFleet } from './fleet.ts'
import type { Generation } from './generation.ts'
import { waitFor } from './host.ts'
import { fleetUnavailable } from './root.ts'
import { tracesOf } from './teardown.ts'

const skip = fleetUnavailable() ?? false
const profile = '/nix/var/nix/profiles/system'
const web = 'exec sleep infinity'

/** Builds, copies and chooses a generation, and runs its switch-to-configuration. */
async function deploy(fleet: Fleet, name: string, generation: Generation, action = 'switch') {
  fleet.writeGenerations({ [name]: generation })
  const path = await fleet.push(name)
  const host = fleet.host(name)
  await host.must(['nix-env', '-p', profile, '--set', path])
  return { path, ...(await host.run([`${path}/bin/switch-to-configuration`, action])) }
}

t.test('a fleet of two hosts and an operator', { skip }, async (t) => {
  const fleet = await startFleet({ hosts: ['cinnabar', 'electrum'], operator: true })
  t.teardown(() => fleet.stop())
  const cinnabar = fleet.host('cinnabar')
  const electrum = fleet.host('electrum')
  const isActive = async (unit: string) => (await cinnabar.run(['systemctl', 'is-active', unit])).stdout
  const current = () => cinnabar.must(['readlink', '/run/current-system'])

  await t.test('hosts are whole systems that reach each other', async (t) => {
    for (const host of [...fleet.hosts, fleet.operator]) {
      t.equal(await host.must(['systemctl', 'is-system-running']), 'running', host.name)
      t.equal(await host.must(['cat', '/etc/hostname']), host.name)
    }
    t.match(await current(), /^\/nix\/store\/[0-9a-z]{32}-nixos-system-cinnabar-baseline$/)
    t.equal(await fleet.operator.must(['ssh', 'electrum', 'hostname']), 'electrum')
    t.match(await cinnabar.must(['/opt/belay/node', '--version']), /^v24\./)
    const banner = `exec 3<>/dev/tcp/${electrum.address}/22; read -rt 5 -u 3 line; echo "$line"`
    t.match((await fleet.exec(['bash', '-c', banner])).stdout, /^SSH-2/, 'reached from the machine')
  })

  await t.test('a generation with another service switches', async (t) => {
    const first = await deploy(fleet, 'cinnabar', { generation: 'web', services: { web } })
    t.equal(first.code, 0, first.stderr)
    t.match(
      first.stderr,
      /activating the configuration\.\.\.\nthe following new units were started: web\.service/
    )
    t.equal(await isActive('web'), 'active')
    t.equal(await current(), first.path)
    const changed = { generation: 'web-2', services: { web: `${web} # changed` } }
    const dry = await deploy(fleet, 'cinnabar', changed, 'dry-activate')
    t.match(
      dry.stderr,
      /would stop the following units: web\.service\n[\s\S]*would start the following units: web/
    )
    t.equal(await current(), first.path, 'a dry run moves nothing')
    const second = await deploy(fleet, 'cinnabar', changed)
    t.match(
      second.stderr,
      /^stopping the following units: web\.service\n[\s\S]*starting the following units: web/
    )
    const removed = await deploy(fleet, 'cinnabar', { generation: 'no-web' }, 'test')
    t.match(removed.stderr, /^stopping the following units: web\.service\nactivating/)
    t.equal(await isActive('web'), 'inactive')
  })

  await t.test('the knobs give the exit codes of the real one', async (t) => {
    for (const exitCode of [1, 2, 11, 100, 101]) {
      const result = await deploy(fleet, 'cinnabar', { generation: `exits-${exitCode}`, exitCode })
      t.equal(result.code, exitCode, result.stderr)
    }
    const loader = await deploy(fleet, 'cinnabar', { generation: 'loader', bootloaderFails: true })
    t.equal(loader.code, 1)
    t.match(loader.stderr, 'Failed to install bootloader')
    const flood = await deploy(fleet, 'cinnabar', { generation: 'flood', floodBytes: 500_000 })
    t.equal(flood.code, 0)
    t.ok(flood.stderr.length > 500_000)
    const failing = await deploy(fleet, 'cinnabar', { generation: 'failing', failingUnit: true })
    t.equal(failing.code, 4)
    t.match(failing.stderr, /warning: the following units failed: failing\.service/)
    const broken = await deploy(fleet, 'cinnabar', { generation: 'broken', agent: 'broken' })
    t.equal(broken.code, 4)
    t.match(broken.stderr, /warning: the following units failed: belay-agent\.service/)
  })

  await t.test('a second switch-to-configuration finds the lock held', async (t) => {
    const path = await current()
    const lock = '/run/nixos/switch-to-configuration.lock'
    const result = await cinnabar.run(['flock', lock, `${path}/bin/switch-to-configuration`, 'test'])
    t.equal(result.code, 11)
    t.match(result.stderr, 'Could not acquire lock')
  })

  await t.test('a power cut boots the default of the boot loader', async (t) => {
    const kept = await deploy(fleet, 'cinnabar', { generation: 'kept', services: { web }, agent: 'bundle' })
    t.equal(kept.code, 0, kept.stderr)
    const tried = await deploy(fleet, 'cinnabar', { generation: 'tried', agent: 'v2' }, 'test')
    t.equal(tried.code, 0, tried.stderr)
    t.equal(await current(), tried.path)
    await cinnabar.powerCut()
    t.notOk(cinnabar.on)
    await cinnabar.boot()
    t.equal(await current(), kept.path)
    t.equal(await cinnabar.must(['readlink', '/run/booted-system']), kept.path)
    t.equal(await isActive('web'), 'active')
    t.equal(await isActive('belay-agent'), 'active')
    t.equal(await cinnabar.must(['readlink', '-f', profile]), tried.path, 'the profile is another thing')
  })

  await t.test('a generation that does not boot leaves the host off', async (t) => {
    const good = await current()
    await deploy(fleet, 'cinnabar', { generation: 'panics', bootFails: true }, 'boot')
    await cinnabar.powerCut()
    await t.rejects(cinnabar.boot(), /did not boot: exited with 1[\s\S]*kernel panic of the fixture/)
    // As a person at the boot menu would choose it.
    const entries = join(cinnabar.root, 'boot/loader')
    await fleet.exec([
      'sh',
      '-c',
      `cd ${entries} && e=$(grep -l ${good}/init entries/*) && echo "default \${e#entries/}" > loader.conf`
    ])
    await cinnabar.boot()
    t.equal(await current(), good)
  })

  await t.test('the network can be cut from outside and from inside', async (t) => {
    const reached = async () =>
      (await fleet.operator.run(['ssh', '-oConnectTimeout=1', 'cinnabar', 'true'])).code === 0
    t.ok(await reached())
    await cinnabar.cutNetwork()
    t.notOk(await reached())
    await cinnabar.restoreNetwork()
    await cinnabar.waitFor(reached, 'reachable')
    const good = await current()
    t.equal((await deploy(fleet, 'cinnabar', { generation: 'cut', cutNetwork: true }, 'test')).code, 0)
    t.notOk(await reached())
    t.equal((await cinnabar.run([`${good}/bin/switch-to-configuration`, 'test'])).code, 0)
    await cinnabar.waitFor(reached, 'reachable')
  })

  await t.test('a command is ended inside the host when its time is over', async (t) => {
    const result = await electrum.run(['sleep', '4242'], { timeoutMs: 200 })
    t.not(result.code, 0)
    await electrum.waitFor(async () => (await electrum.run(['pgrep', '-x', 'sleep'])).code === 1, 'its end')
    t.equal((await electrum.run(['cat'], { input: 'typed' })).stdout, 'typed')
  })

  await fleet.stop()
  t.same(tracesOf(fleet.id), [], 'nothing is left')
})

t.test('a fleet whose owner is killed leaves nothing', { skip }, async (t) => {
  const owner = spawn(process.execPath, [join(import.meta.dirname, 'owner.ts')], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const [id] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string]
  t.ok(tracesOf(id).length > 3, 'it runs')
  owner.kill('SIGKILL')
  await once(owner, 'exit')
  await waitFor(() => tracesOf(id).length === 0, 'no traces')
  t.same(tracesOf(id), [])
})
