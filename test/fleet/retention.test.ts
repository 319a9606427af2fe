import t from 'tap'
import { belay, journalOf, realAgent, truthOf, writeFleetFile } from './deployment.ts'
import type { Fleet } from './fleet.ts'
import { startFleet } from './fleet.ts'
import type { Host } from './host.ts'
import { fleetUnavailable } from './root.ts'

const profile = '/nix/var/nix/profiles/system'

/** Runs belay-agent and gives its exit code with the last that it printed as JSON, output of activations aside. */
async function agent(host: Host, ...args: string[]) {
  const { code, stdout } = await host.run(['belay-agent', '--json', ...args])
  const said = stdout
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('{"type":"output"'))
  const last = JSON.parse(said.at(-1) || '{}') as Record<string, unknown>
  return { exit: code, ...last }
}

/** Builds a generation with this label on the operator's machine and copies it to the host. */
async function push(fleet: Fleet, host: Host, generation: string): Promise<string> {
  fleet.writeGenerations({ [host.name]: { generation, agent: 'bundle' } })
  return fleet.push(host.name)
}

/** The kinds of drift that are set in the host's metrics. */
async function driftMetrics(host: Host): Promise<string[]> {
  const url = ['--unix-socket', '/run/belay/observe.sock', 'http://agent/metrics']
  const text = await host.must(['curl', '-s', ...url])
  const lines = text.split('\n').filter((line) => line.startsWith('belay_agent_drift{'))
  if (lines.length !== 4) throw new Error(`not every kind has its series: ${lines.join(' ')}`)
  return lines.filter((line) => line.endsWith(' 1')).map((line) => /kind="(.*)"/.exec(line)?.[1] ?? '')
}

async function markOf(host: Host, storePath: string) {
  const { generations } = JSON.parse(await host.must(['belay-agent', '--json', 'generations'])) as {
    generations: { storePath: string; mark: Record<string, unknown> }[]
  }
  return generations.find((generation) => generation.storePath === storePath)?.mark
}

/** Numbers of the generations of a host. */
async function numbers(host: Host): Promise<string[]> {
  const list = `ls -d ${profile}-*-link | sed 's/.*system-//; s/-link//' | sort -n`
  return (await host.must(['sh', '-c', list])).split('\n')
}

/** Numbers of the generations that the menu of systemd-boot has. */
async function entries(host: Host): Promise<string[]> {
  const list = "sed -n 's/^version Generation \\([0-9]*\\) .*/\\1/p' /boot/loader/entries/* | sort -n"
  return (await host.must(['sh', '-c', list])).split('\n')
}

/** So many generations by hand, in turn of some systems; the last one runs, and all seem to be made long ago. */
async function age(host: Host, count: number, systems: readonly string[]): Promise<void> {
  for (let i = 0; i < count; i++)
    await host.must(['nix-env', '-p', profile, '--set', systems[i % systems.length] ?? ''])
  await host.must([`${profile}/bin/switch-to-configuration`, 'switch'])
  await host.must(['sh', '-c', `touch -h -d '60 days ago' ${profile}-*-link`])
}

t.test('marks, drift and retention', { skip: fleetUnavailable() ?? false, timeout: 900_000 }, async (t) => {
  const scheduled = { agent: 'bundle', agentConfig: { retention: { schedule: '* * * * *' } } }
  await using fleet = await startFleet({
    hosts: ['cinnabar', 'electrum', 'galena'],
    operator: true,
    agent: realAgent(),
    generations: { galena: { generation: 'baseline', ...scheduled } }
  })
  fleet.writeGenerations({ galena: { generation: 'a', ...scheduled } })
  const a = await fleet.push('galena')
  fleet.writeGenerations({ galena: { generation: 'b', ...scheduled } })
  await age(fleet.host('galena'), 7, [a, await fleet.push('galena')])
  writeFleetFile(fleet, 20)
  const host = fleet.host('cinnabar')
  const baseline = (await truthOf(host)).running

  await t.test(
    'what was rolled back is not tried again unasked, and is good when it is committed',
    async (t) => {
      const path = await push(fleet, host, 'next')
      await host.must(['sh', '-c', 'echo 1 > /run/fixture-broken-switches'])
      t.match(await agent(host, 'activate', path, '--auto-confirm'), { exit: 1, phase: 'rolled-back' })
      const { id } = await journalOf(host)
      const refused = await agent(host, 'activate', path, '--auto-confirm')
      t.match(refused, {
        exit: 1,
        error: {
          code: 'known-bad',
          found: { reason: /the activation failed/, operation: id },
          wanted: 'again: true'
        }
      })
      const given = ['--no-build', '--no-push', '--path', `cinnabar=${path}`]
      t.match(await belay(fleet, 'deploy', '--host', 'cinnabar', ...given), { code: 1, stdout: /--again/ })
      t.equal((await journalOf(host)).id, id, 'nothing was begun')
      t.equal((await belay(fleet, 'deploy', '--host', 'cinnabar', ...given, '--again')).code, 0)
      t.match(await markOf(host, path), { state: 'good', operation: (await journalOf(host)).id })
      t.match(await markOf(host, baseline), { state: 'good' })
      t.match(await host.must(['belay-agent', 'generations']), /next {2}profile, running, good$/)
    }
  )

  await t.test('a profile moved by hand is drift, named, and not overwritten unasked', async (t) => {
    t.same(await driftMetrics(host), [])
    const path = await push(fleet, host, 'over')
    const { running } = await truthOf(host)
    await host.must(['nix-env', '-p', profile, '--set', baseline])
    const kinds = ['profile-not-running', 'boot-not-profile', 'profile-moved']
    t.same(await driftMetrics(host), kinds)
    t.match(await host.must(['belay-agent', 'status']), /profile is not what the last operation left/)
    t.match(await agent(host, 'activate', path, '--auto-confirm'), {
      exit: 1,
      error: { code: 'drifted', found: { 'profile-moved': baseline }, wanted: { 'profile-moved': running } }
    })
  })

  await t.test('a switch by hand likewise; --over-drift goes over it', async (t) => {
    await host.must([`${profile}/bin/switch-to-configuration`, 'switch'])
    t.same(await driftMetrics(host), ['switched-by-hand', 'profile-moved'])
    const { stdout } = await belay(fleet, '--json', 'status', '--host', 'cinnabar')
    t.match(JSON.parse(stdout), {
      hosts: [
        { drift: true, drifts: [{ kind: 'switched-by-hand', found: baseline }, { kind: 'profile-moved' }] }
      ]
    })
    t.match(await belay(fleet, 'status'), {
      stdout: /cinnabar: the running system is not what the last operation left/
    })
    const path = await push(fleet, host, 'over')
    t.match(await agent(host, 'activate', path, '--auto-confirm'), { error: { code: 'drifted' } })
    t.match(await agent(host, 'activate', path, '--auto-confirm', '--over-drift'), { phase: 'committed' })
    t.same(await driftMetrics(host), [])
  })

  await t.test('a profile that somebody moves in the confirm window stays where it is', async (t) => {
    const path = await push(fleet, host, 'waits')
    const before = await truthOf(host)
    const [foreign, asked] = [baseline, ['--window', '60', '--no-follow']]
    t.match(await agent(host, 'activate', path, ...asked), { exit: 0 })
    const phase = async () => (await journalOf(host)).phases.at(-1)
    await host.waitFor(async () => (await phase()) === 'confirming', 'confirming')
    await host.must(['nix-env', '-p', profile, '--set', foreign])
    t.match(await agent(host, 'confirm'), { exit: 1, phase: 'rolled-back', message: new RegExp(foreign) })
    t.match(await agent(host, 'status'), { operation: { code: 'profile-moved' } })
    t.match(await truthOf(host), {
      running: before.running,
      bootDefault: before.bootDefault,
      profile: foreign
    })
    t.same(await driftMetrics(host), ['profile-not-running', 'boot-not-profile', 'profile-moved'])
    const again = await agent(host, 'activate', path, '--auto-confirm', '--over-drift')
    t.match(again, { phase: 'committed' }, 'it was not its fault')
  })

  await t.test('gc: a dry run with reasons, refusals, and the entries afterwards', async (t) => {
    const old = fleet.host('electrum')
    const first = (await truthOf(old)).running
    const [a, b] = [await push(fleet, old, 'a'), await push(fleet, old, 'b')]
    await age(old, 9, [a, b])
    await old.must(['touch', '-h', `${profile}-3-link`])
    const before = await truthOf(old)
    t.equal(before.running, a)
    t.same(await entries(old), ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10'])
    await old.must(['sh', '-c', `ln -sfn ${first} /run/booted-system`])
    const dry = await old.must(['belay-agent', 'gc', '--dry-run'])
    t.match(dry, /^ +1 .* keep .*-baseline {2}booted$/m)
    t.match(dry, /^ +2 .* keep .*-a {2}running, boots next$/m, 'a system counts wherever it stands')
    t.match(dry, /^ +3 .* keep .*-b {2}young$/m)
    t.match(dry, /^ +5 .* delete .*-b$/m)
    t.match(dry, /^ +10 .* keep .*-a {2}among the newest, profile, running, boots next$/m)
    t.match(dry, /1 of 10 generations would be deleted\.$/)
    t.same((await numbers(old)).length, 10)

    const unit = 'nixos-rebuild-switch-to-configuration'
    await old.must(['systemd-run', `--unit=${unit}`, '--collect', 'sleep', '60'])
    t.match(await agent(old, 'gc'), { exit: 1, error: { code: 'operation-running' } })
    await old.must(['systemctl', 'stop', unit])
    const lock = '/run/nixos/switch-to-configuration.lock'
    await old.must(['systemd-run', `--unit=${unit}-by-hand`, '--collect', 'flock', lock, 'sleep', '60'])
    const held = async () => (await old.run(['flock', '--nonblock', lock, 'true'])).code === 1
    await old.waitFor(held, 'the lock to be held')
    t.match(await agent(old, 'gc'), { exit: 1, error: { code: 'operation-running', found: lock } })
    await old.must(['systemctl', 'stop', `${unit}-by-hand`])
    const next = await push(fleet, old, 'next')
    await agent(old, 'activate', next, '--window', '60', '--no-follow')
    const phase = async () => (await journalOf(old)).phases.at(-1)
    await old.waitFor(async () => (await phase()) === 'confirming', 'confirming')
    t.match(await agent(old, 'gc'), { exit: 1, error: { code: 'operation-running', found: /Z-/ } })
    t.match(await old.must(['belay-agent', 'gc', '--dry-run']), /of an unfinished operation/)
    await old.run(['belay-agent', 'rollback'])
    await old.must(['belay-agent', 'release'])
    t.same((await numbers(old)).length, 10, 'nothing was deleted')

    await old.must(['touch', '-h', `${profile}-3-link`])
    t.match(await agent(old, 'gc'), { exit: 0, deleted: [5], boot: 'checked' })
    const kept = ['1', '2', '3', '4', '6', '7', '8', '9', '10']
    t.same([await numbers(old), await entries(old)], [kept, kept])
    t.same(await truthOf(old), before, 'what runs and what boots is what it was')
    t.match(await old.must(['belay-agent', 'gc']), /Nothing to delete\.$/)

    await old.must(['touch', '-h', '-d', '60 days ago', `${profile}-3-link`])
    await old.must(['touch', '/run/fixture-broken-boot'])
    t.match(await agent(old, 'gc'), { exit: 1, error: { code: 'command-failed', message: /run this again/ } })
    t.match(await entries(old), ['1', '2', '3'], 'an entry of what is deleted is left')
    await old.must(['rm', '/run/fixture-broken-boot'])
    t.match(await agent(old, 'gc'), { exit: 0, deleted: [], boot: 'checked' })
    t.same([await numbers(old), await entries(old)], [kept.toSpliced(2, 1), kept.toSpliced(2, 1)])
  })

  await t.test('roots of the garbage collector stay few', async (t) => {
    const roots = (await host.must(['ls', '/nix/var/nix/gcroots/belay'])).split('\n')
    t.same(roots, ['known-good-before', 'last-known-good'], 'after all these operations')
  })

  await t.test('by the schedule', async (t) => {
    const host = fleet.host('galena')
    await host.waitFor(async () => !(await numbers(host)).includes('3'), 'the schedule to come')
    await host.waitFor(async () => (await entries(host)).length === 7, 'the boot entries')
    t.same(
      await numbers(host),
      ['1', '2', '4', '5', '6', '7', '8'],
      'what booted, what runs, and the newest five'
    )
  })
})
