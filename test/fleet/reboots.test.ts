import type { Test } from 'tap'
import t from 'tap'
import { journalOf, realAgent, truthOf } from './deployment.ts'
import { limits } from './faults/fault.ts'
import type { Fleet } from './fleet.ts'
import { startFleet } from './fleet.ts'
import type { Generation } from './generation.ts'
import type { Host } from './host.ts'
import { fleetUnavailable } from './root.ts'

const agent = { agent: 'bundle', agentConfig: { limits } }
const baseline = { generation: 'baseline', ...agent }
const kernel = { kernelParams: 'loglevel=7', ...agent }

/** Copies a generation to the host and asks for it; gives its path and what the command said. */
async function ask(fleet: Fleet, host: Host, generation: Generation, ...options: readonly string[]) {
  fleet.writeGenerations({ [host.name]: { ...bootLoaderOf(host), ...generation } })
  const path = await fleet.push(host.name)
  return { path, ...(await host.run(['belay-agent', 'activate', path, ...options])) }
}

/** One host boots by GRUB, the other by systemd-boot. */
const bootLoaderOf = ({ name }: Host): Pick<Generation, 'bootLoader'> =>
  name === 'cinnabar' ? { bootLoader: 'grub' } : {}

/** The operation ends so, and the host is as it must be. */
async function ends(t: Test, host: Host, phase: string, system: string): Promise<void> {
  const over = async () => (await journalOf(host)).phases.at(-1) === phase
  await host.waitFor(over, phase)
  await host.waitFor(async () => !(await exists(host, '/var/lib/belay/trial')), 'the guard to go')
  const { running, profile, bootDefault } = await truth(host)
  t.same({ running, profile, bootDefault }, { running: system, profile: system, bootDefault: system })
  t.equal(await host.must(['readlink', '-f', '/run/booted-system']), system, 'it is what booted')
}

/** The host boots a generation, and then another: it may go down again before it is all up, and can be asked anything. */
async function triesAndReboots(t: Test, host: Host, path: string): Promise<void> {
  await host.whenOff()
  await host.boot({ ready: false })
  await host.whenRebooted()
  t.ok(host.console.includes(`booting ${path}\n`))
}

/** What a host is, with the boot default of either boot loader. */
async function truth(host: Host) {
  const { bootDefault } = JSON.parse(await host.must(['belay-agent', '--json', 'status'])).host.profiles[0]
  return { ...(await truthOf(host)), bootDefault }
}

const exists = async (host: Host, path: string) => (await host.run(['test', '-e', path])).code === 0
const confirmWhenAsked = (host: Host) =>
  host.waitFor(async () => (await host.run(['belay-agent', 'confirm'])).code === 0, 'the confirmation')

t.test('generations that only a reboot brings', { skip: fleetUnavailable() ?? false }, async (t) => {
  const generations = { cinnabar: { ...baseline, bootLoader: 'grub' }, electrum: baseline } as const
  await using fleet = await startFleet({
    hosts: ['cinnabar', 'electrum'],
    operator: true,
    agent: realAgent(),
    generations
  })
  t.jobs = 2
  const each = (host: Host) => t.test(host.name, { buffered: true }, (t) => stories(t, fleet, host))
  await Promise.all(fleet.hosts.map(each))
})

async function stories(t: Test, fleet: Fleet, host: Host): Promise<void> {
  const first = (await truthOf(host)).running

  await t.test('a switch that could not bring it is refused, and says what to do', async (t) => {
    const next = { generation: 'init', initInterface: 'systemd 3', ...agent }
    const { code, stdout } = await ask(fleet, host, next, '--auto-confirm')
    t.equal(code, 1)
    t.match(
      stdout,
      /refused +only a reboot brings this generation: init-interface-version: systemd 2 -> systemd 3/
    )
    t.equal((await truthOf(host)).running, first)
  })

  await t.test('staged, rebooted on trial, confirmed', async (t) => {
    const { path, code, stdout } = await ask(
      fleet,
      host,
      { generation: 'kernel', ...kernel },
      '--mode',
      'auto'
    )
    t.equal(code, 0)
    t.match(stdout, /staged +the next boot is the candidate, once[\s\S]*belay-agent reboot/)
    t.match(await truth(host), { running: first, profile: first, bootDefault: first }, 'nothing has moved')
    t.match(await host.run(['belay-agent', 'reboot']), { code: 0 })
    await host.whenRebooted()
    t.match(await truth(host), { running: path, profile: first, bootDefault: first }, 'on trial')
    t.equal(await host.must(['systemctl', 'is-active', 'belay-trial']), 'active', 'guarded')
    await confirmWhenAsked(host)
    await ends(t, host, 'committed', path)
    t.not((await host.run(['systemctl', 'is-active', 'belay-trial'])).code, 0)
  })
  const second = (await truthOf(host)).running

  await t.test('nobody confirms: it reboots into the baseline by itself', async (t) => {
    const next = { generation: 'unwanted', ...agent }
    const { path } = await ask(fleet, host, next, '--mode', 'boot', '--window', '5')
    await host.run(['belay-agent', 'reboot'])
    await triesAndReboots(t, host, path)
    await ends(t, host, 'rolled-back', second)
    t.match(await host.must(['belay-agent', 'log']), /nobody confirmed in time/)
  })

  await t.test('the power is cut during the trial: the next boot is the baseline', async (t) => {
    const { path } = await ask(fleet, host, { generation: 'cut', ...agent }, '--mode', 'boot')
    await host.run(['belay-agent', 'reboot'])
    await host.whenRebooted()
    t.equal((await truthOf(host)).running, path)
    await host.powerCut()
    await host.boot()
    await ends(t, host, 'rolled-back', second)
  })

  await t.test('what does not boot at all: a power cycle is the way back', async (t) => {
    await ask(fleet, host, { generation: 'panics', bootFails: true, ...agent }, '--mode', 'boot')
    await host.run(['belay-agent', 'reboot'])
    await t.rejects(host.whenRebooted(), /kernel panic of the fixture/)
    await host.boot()
    await ends(t, host, 'rolled-back', second)
    t.match(await host.must(['belay-agent', 'log']), /the candidate is not what booted/)
  })

  await t.test('an agent that does not serve: the guard reboots into the baseline', async (t) => {
    const units = { 'belay-agent.service.d/x.conf': '[Service]\nExecStartPre=/bin/false\n' }
    const next = { generation: 'broken', ...agent, units }
    const { path } = await ask(fleet, host, next, '--mode', 'boot')
    const window = `${await host.must(['readlink', '-f', '/var/lib/belay/trial'])}/window`
    await host.must(['sh', '-c', `echo "trial 3" > ${window}`])
    await host.run(['belay-agent', 'reboot'])
    await triesAndReboots(t, host, path)
    await ends(t, host, 'rolled-back', second)
    t.match(await host.must(['belay-agent', 'log']), /the guard brought the baseline back/)
  })

  await t.test('staged and given up: the next boot is the baseline', async (t) => {
    await ask(fleet, host, { generation: 'given-up', ...agent }, '--mode', 'boot')
    t.equal((await host.run(['belay-agent', 'rollback'])).code, 0)
    await host.must(['belay-agent', 'release'])
    await host.powerCut()
    await host.boot()
    await ends(t, host, 'rolled-back', second)
  })

  await t.test('a host that cannot boot anything once refuses, as it was', async (t) => {
    const breaks =
      host.name === 'cinnabar' ? 'rm /usr/bin/grub-editenv' : 'touch /run/fixture-no-efi-variables'
    await host.must(['sh', '-c', breaks])
    const { code, stdout } = await ask(fleet, host, { generation: 'no-trial', ...agent }, '--mode', 'boot')
    t.equal(code, 1)
    t.match(stdout, /rolled-back/)
    await ends(t, host, 'rolled-back', second)
  })
}
