import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { belay, realAgent, truthOf, writeFleetFile } from './deployment.ts'
import { startFleet } from './fleet.ts'
import { fleetUnavailable } from './root.ts'

t.test(
  'what is refused, and what works with everything dead',
  { skip: fleetUnavailable() ?? false },
  async (t) => {
    await using fleet = await startFleet({
      hosts: ['cinnabar', 'electrum'],
      operator: true,
      agent: realAgent()
    })
    writeFleetFile(fleet, 60)
    const host = fleet.host('cinnabar')
    const before = await truthOf(host)
    const activate = async (path: string) => {
      const { code, stdout } = await host.run(['belay-agent', '--json', 'activate', path, '--auto-confirm'])
      return {
        exit: code,
        ...(JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as { error?: { code: string } })
      }
    }
    fleet.writeGenerations({
      electrum: { generation: 'other', agent: 'bundle' },
      cinnabar: { generation: 'bare', agent: 'none' }
    })
    const [other, bare] = [await fleet.push('electrum'), await fleet.push('cinnabar')]
    await fleet.push('cinnabar', other)

    await t.test('a path that is no generation of this host has its own code', async (t) => {
      const library = (await host.must(['sh', '-c', 'ls -d /nix/store/*-belay-agent-bundle'])).trim()
      const cases: [string, string][] = [
        ['nonsense', 'invalid-store-path'],
        ['/etc/passwd', 'invalid-store-path'],
        [`${other}/../../../etc`, 'invalid-store-path'],
        [`${other}/bin`, 'invalid-store-path'],
        ['/nix/store/00000000000000000000000000000000-gone', 'path-not-valid'],
        [library, 'not-a-system'],
        [other, 'wrong-host'],
        [bare, 'agent-missing']
      ]
      for (const [path, code] of cases)
        t.match(await activate(path), { exit: 1, error: { code } }, `${path}: ${code}`)
      t.same(await truthOf(host), before, 'nothing has changed')
      t.equal(
        (await host.run(['sh', '-c', 'ls /var/lib/belay/operations | wc -l'])).stdout.trim(),
        '0',
        'nothing was begun'
      )
    })

    await t.test('one operation at a time, and not beside a switch by hand', async (t) => {
      fleet.writeGenerations({ cinnabar: { generation: 'slow', agent: 'bundle', hangSeconds: 3 } })
      const slow = await fleet.push('cinnabar')
      const [first, second] = await Promise.all([activate(slow), activate(slow)])
      t.same([first.exit, second.exit].sort(), [0, 1], 'one of two wins')
      t.match(
        [first, second].find(({ exit }) => exit === 1),
        { error: { code: 'operation-running' } }
      )
      fleet.writeGenerations({ cinnabar: { generation: 'next', agent: 'bundle' } })
      const next = await fleet.push('cinnabar')
      const unit = 'nixos-rebuild-switch-to-configuration'
      await host.must(['systemd-run', `--unit=${unit}`, '--collect', 'sleep', '60'])
      const refused = await host.run(['belay-agent', '--json', 'activate', next, '--auto-confirm'])
      t.equal(refused.code, 1)
      t.match(
        refused.stdout,
        /"phase":"refused","message":"somebody else is switching this host: .*; wait until it has ended/
      )
      await host.must(['systemctl', 'stop', unit])
    })

    await t.test('a rollback asked for three times at once, and then again, goes back once', async (t) => {
      const after = (await truthOf(host)).running
      const rollbacks = async () => {
        const journals = '/var/lib/belay/operations/*/journal.jsonl'
        return Number(await host.must(['sh', '-c', `grep -l '"kind":"rollback"' ${journals} | wc -l`]))
      }
      const earlier = await rollbacks()
      const pressed = await Promise.all([1, 2, 3].map(() => host.run(['belay-agent', 'rollback'])))
      for (const { code, stdout, stderr } of pressed) {
        // One that starts late, on a slow machine, finds that the host is back.
        if (code !== 0) t.match(stderr, /no-known-good/, stdout)
      }
      t.ok(pressed.some(({ code }) => code === 0))
      t.equal(await rollbacks(), earlier + 1)
      t.same(await truthOf(host), before)
      const again = await host.run(['belay-agent', '--json', 'rollback'])
      t.match(again, { code: 1, stdout: /no-known-good/ }, 'not forward to what was left')
      t.same(await truthOf(host), before)
      const forward = () => host.run(['belay-agent', 'activate', after, '--auto-confirm'])
      t.match(await forward(), { code: 1, stderr: /\(held\)/ }, 'nobody pushes over the decision')
      await host.must(['belay-agent', 'release'])
      t.equal((await forward()).code, 0)
    })

    await t.test('a runner that is still there when its operation is over keeps nobody out', async (t) => {
      const after = (await truthOf(host)).running
      const newest = (await host.must(['sh', '-c', 'ls /var/lib/belay/operations | tail -n 1'])).trim()
      const unit = ['--unit=belay-operation.service', `--description=Belay operation ${newest}`]
      await host.must(['systemd-run', ...unit, '--collect', 'sleep', 'infinity'])
      t.match(await host.run(['belay-agent', 'rollback']), { code: 0 })
      t.same(await truthOf(host), before)
      await host.must(['belay-agent', 'release'])
      t.match(await host.run(['belay-agent', 'activate', after, '--auto-confirm']), { code: 0 })
    })

    await t.test(
      'rollback with the agent and the Nix daemon stopped, and a broken configuration',
      async (t) => {
        const running = (await truthOf(host)).running
        t.not(running, before.running)
        const belayAgent = await host.must(['readlink', '-f', '/run/current-system/sw/bin/belay-agent'])
        await host.run(['systemctl', 'stop', 'belay-agent', 'nix-daemon.socket', 'nix-daemon.service'])
        await host.cutNetwork()
        const rollback = ['env', '-i', 'BELAY_CONFIG=/dev/null', belayAgent.trim(), 'rollback']
        t.match(await host.run(rollback), { code: 0, stderr: /default configuration/ })
        await host.restoreNetwork()
        t.same(await truthOf(host), before)
        await host.run(['systemctl', 'start', 'nix-daemon.socket', 'belay-agent'])
      }
    )

    await t.test('a configuration names key, value and what was wanted', async (t) => {
      const check = (text: string) =>
        host.run(['sh', '-c', 'cat > /tmp/c.json; belay-agent config check /tmp/c.json'], { input: text })
      t.match(await check('{}'), { code: 0 })
      t.match(await check('{"confirm": {"windowSeconds": -5}}'), {
        code: 2,
        stderr: /confirm\.windowSeconds: found -5, wanted/
      })
      t.match(await check('{"confirm": {"windwSeconds": 5}}'), {
        code: 2,
        stderr: /confirm\.windwSeconds: found 5, wanted: no such key/
      })
      t.match(await check('{'), { code: 2, stderr: /is not JSON/ })
    })

    await t.test(
      'the controller refuses a fleet file with a typo, and says which host it cannot reach',
      async (t) => {
        const file = join(fleet.operator.root, 'root/typo.yaml')
        writeFileSync(file, 'version: 1\nflake: .\nhosts:\n  cinnabar: { platfrom: nixos }\n')
        const typo = await fleet.operator.run(['belay', '--fleet', '/root/typo.yaml', 'status'])
        t.equal(typo.code, 2)
        t.match(typo.stderr, /platfrom/)
        t.match(typo.stderr, /typo\.yaml:4: /)
        await fleet.host('electrum').powerCut()
        const deploy = await belay(fleet, 'deploy', '--host', 'electrum')
        t.equal(deploy.code, 1)
        t.match(deploy.stdout, /unreachable/)
      }
    )
  }
)
