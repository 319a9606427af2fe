import { globSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Value } from 'typebox/value'
import { parseSettings, Settings } from '../../agent/config/settings.ts'
import { ControllerSettings } from '../../controller/server/settings.ts'
import { VERSION } from '../../shared/version.ts'
import { journalOf } from '../fleet/deployment.ts'
import { startFleet } from '../fleet/fleet.ts'
import type { Generation } from '../fleet/generation.ts'
import { writeFlake, writeHosts } from '../fleet/generation.ts'
import type { Host } from '../fleet/host.ts'
import { fleetUnavailable } from '../fleet/root.ts'
import { checkout, moduleOn } from './module.ts'
import type { Option } from './options.ts'
import { byName, optionsOf } from './options.ts'

const skip = fleetUnavailable() ?? false
const enabled = (settings = '') => `{ services.belay-agent = { enable = true; ${settings} }; }`
const keys = Settings.properties

t.test('flake and module', { skip }, async (t) => {
  const fleet = await startFleet({ hosts: ['cinnabar'] })
  t.teardown(() => fleet.stop())
  const host = fleet.host('cinnabar')
  const module = moduleOn(host)
  if (!process.env.BELAY_NIXPKGS_LIB) t.comment("against a stand-in of nixpkgs' lib; see docs/adr/0002")

  await t.test('every Nix file parses', async (t) => {
    const files = globSync(['*.nix', 'nix/*.nix', 'systemd/*.nix', 'test/fixtures/**/*.nix'], {
      cwd: checkout
    })
    t.ok(files.length >= 8, files.join(' '))
    for (const file of files) {
      const result = await host.run(['nix-instantiate', '--parse', `/opt/belay/checkout/${file}`])
      t.equal(result.code, 0, `${file} ${result.stderr}`)
    }
    const page = readFileSync(join(checkout, 'docs/install.md'), 'utf8')
    const snippets = [...page.matchAll(/^```nix\n(.*?)^```/gms)].map(([, text = '']) => text)
    t.ok(snippets.length >= 3)
    for (const input of snippets) {
      t.match(await host.run(['nix-instantiate', '--parse', '-'], { input }), { code: 0 }, input)
    }
  })

  await t.test('the flake has what the documentation names', async (t) => {
    for (const system of ['x86_64-linux', 'aarch64-linux']) {
      for (const part of ['belay-agent', 'belay']) {
        t.match(await module.value(`flake.packages.${system}.${part}.name`), `${part}-${VERSION}`)
        t.match(await module.value(`flake.checks.${system}.${part}.name`), `${part}-${VERSION}`)
      }
    }
    t.match(await module.value('flake.packages.x86_64-linux.default.name'), /^belay-agent-/)
    t.match(await module.value('overlaid.belay-agent.name'), /^belay-agent-/)
    t.match(await module.value('overlaid.belay.name'), /^belay-/)
    const modules = (await module.value('flake.nixosModules')) as Record<string, string>
    t.match(modules.default, /-nixos-module\.nix$/)
    t.equal(modules['belay-agent'], modules.default)
  })

  await t.test('the options are the keys of the configuration file', async (t) => {
    const options = byName((await module.value('options')) as Option[])
    t.same(options, byName(optionsOf(Settings)))
  })

  await t.test(
    'so are those of the controller, which gets a user, its groups and what it runs',
    async (t) => {
      const options = byName((await module.value('controllerOptions')) as Option[])
      t.same(options, byName(optionsOf(ControllerSettings)))
      t.same(await module.value('failedAssertions'), [])
      const on = (settings: string) => `{ services.belay-controller = { enable = true; ${settings} }; }`
      t.match(await module.value('failedAssertions', on('')), [/needs settings\.fleetFile/])
      const config = on('settings = { fleetFile = "/etc/belay/fleet.yaml"; groups.operate = "wheel"; };')
      t.same(await module.value('failedAssertions', config), [])
      t.match(await module.value('controllerService', config), {
        wantedBy: ['multi-user.target'],
        users: ['belay-controller'],
        path: ['nix', 'openssh'],
        timers: [],
        serviceConfig: { SupplementaryGroups: ['wheel'] }
      })
      t.same(await module.value('groups', config), ['belay-controller', 'wheel'])
      const renews = on('settings.fleetFile = "/etc/belay/other.yaml"; renewCertificates = true;')
      t.match(await module.value('controllerService', renews), { timers: ['belay-pki'] })
      const both = renews.replace(/ }$/, ' services.belay-agent.enable = true; }')
      const units = await module.path('units', both)
      const renewal = await host.must(['cat', `${units}/belay-pki.service`])
      t.match(renewal, /^Environment=BELAY_FLEET=\/etc\/belay\/other\.yaml$/m)
      t.match(renewal, /^ExecStart=\/nix\/store\/\S+\/belay pki renew --hosts$/m)
      t.match(await host.must(['cat', `${units}/belay-pki.timer`]), 'OnCalendar=daily')
    }
  )

  await t.test('options and configuration file allow the same values', async (t) => {
    const samples: [keyof typeof keys, unknown][] = [
      ...['/a', '/', '/a-b/c', 'relative', '', '/a b', '/a\tb', '/a$b', '/a%b', 1].map(
        (value) => ['profile', value] as [keyof typeof keys, unknown]
      ),
      ['keepOperations', 5],
      ['keepOperations', 4],
      ['keepOperations', '5'],
      ['logLevel', 'warn'],
      ['logLevel', 'loud']
    ]
    for (const [key, value] of samples) {
      const config = enabled(`settings.${key} = builtins.fromJSON ${nixString(JSON.stringify(value))};`)
      const { code } = await module.evaluate('settings.drvPath', config)
      t.equal(code === 0, Value.Check(keys[key], value), `${key} = ${JSON.stringify(value)}`)
    }
  })

  await t.test('it is off by default, and then changes nothing', async (t) => {
    t.same(await module.value('groups'), [])
    t.same(await module.value('failedAssertions'), [])
    t.match((await module.evaluate('settings')).stderr, 'belay/agent.json')
    t.match((await module.evaluate('wantedBy')).stderr, 'belay-agent')
  })

  await t.test('it starts with the host and makes the groups that are named', async (t) => {
    const config = enabled('settings.groups = { operate = "belay-operate"; observe = "monitoring"; };')
    t.same(await module.value('groups', config), ['belay-operate', 'monitoring'])
    // Each of them: an agent does not start where a group that it is told of is missing.
    const roles = Object.keys(keys.groups.properties).sort()
    const all = roles.map((role) => `${role} = "belay-${role}";`).join(' ')
    t.same(
      await module.value('groups', enabled(`settings.groups = { ${all} };`)),
      roles.map((role) => `belay-${role}`)
    )
    t.same(await module.value('groups', enabled()), [])
    t.same(await module.value('wantedBy', config), ['multi-user.target'])
    t.same(await module.value('path', config), ['nix', 'openssh', 'age'])
  })

  await t.test('what it cannot work on is refused', async (t) => {
    t.same(await module.value('failedAssertions', enabled()), [])
    for (const wrong of ['system.switch.enable = false', 'nix.enable = false', 'environment.binsh = null']) {
      const config = `{ services.belay-agent.enable = true; ${wrong}; }`
      const messages = (await module.value('failedAssertions', config)) as string[]
      t.equal(messages.length, 1, wrong)
      t.match(messages[0], wrong.slice(0, wrong.indexOf(' =')))
    }
  })

  await t.test('the configuration file is what the agent reads', async (t) => {
    const read = async (config: string) => host.must(['cat', await module.path('settings', config)])
    const plain = await read(enabled())
    t.same(parseSettings(plain, 'f'), parseSettings('{}', 'f'))
    t.equal(JSON.parse(plain).hostName, '', `the host's own name, not that of the builder: ${hostname()}`)
    const esp = 'loader = { systemd-boot.enable = true; efi.efiSysMountPoint = "/efi"; }'
    const onEfi = `{ services.belay-agent.enable = true; boot.${esp}; }`
    t.match(JSON.parse(await read(onEfi)), { bootDirectory: '/efi' })
    const chosen = `{ services.belay-agent = { enable = true; settings.bootDirectory = "/boot2"; }; boot.${esp}; }`
    t.match(JSON.parse(await read(chosen)), { bootDirectory: '/boot2' })
  })

  await t.test('a mistake in the settings fails the build', async (t) => {
    const result = await module.build('settings', enabled('settings.confirm.windwSeconds = 5;'))
    t.not(result.code, 0)
    t.match(result.stderr, /confirm\.windwSeconds: found 5, wanted: no such key/)
  })

  await t.test('the unit is the unit file, with the path of the agent', async (t) => {
    const [units, agent] = await Promise.all([
      module.path('units', enabled()),
      module.path('flake.packages.x86_64-linux.belay-agent')
    ])
    const file = readFileSync(join(checkout, 'systemd/belay-agent.service'), 'utf8')
    const unit = await host.must(['cat', `${units}/belay-agent.service`])
    t.equal(`${unit}\n`, file.replace('@belay-agent@', `${agent}/bin/belay-agent`))
    const trial = await host.must(['cat', `${units}/belay-trial.service`])
    t.equal(`${trial}\n`, readFileSync(join(checkout, 'systemd/belay-trial.service'), 'utf8'))
    const verify = (path: string) =>
      host.run([
        'env',
        `SYSTEMD_UNIT_PATH=${path}:`,
        'systemd-analyze',
        'verify',
        'belay-agent.service',
        'belay-trial.service'
      ])
    t.match(await verify(units), { code: 0, stderr: '' }, 'systemd finds nothing to say')
    await host.must([
      'sh',
      '-c',
      `mkdir /tmp/bad && sed s/^Restart=/Restat=/ ${units}/belay-agent.service > /tmp/bad/belay-agent.service && cp ${units}/belay-trial.service /tmp/bad`
    ])
    t.match((await verify('/tmp/bad')).stderr, 'Restat', 'and would')
    const analyze = ['systemd-analyze', 'security', '--offline=true', '--threshold=30']
    const { code, stdout } = await host.run([...analyze, `${units}/belay-agent.service`])
    t.equal(code, 0, stdout.trim().split('\n').slice(-1).join())
  })

  await t.test('the packages run from a store that nobody can write', async (t) => {
    const readOnly = 'mount --bind /nix/store /nix/store && mount -o remount,bind,ro /nix/store && exec "$@"'
    for (const part of ['belay-agent', 'belay']) {
      const path = await module.path(`flake.packages.x86_64-linux.${part}`)
      const program = `${path}/bin/${part}`
      const result = await host.run(['unshare', '--mount', 'sh', '-c', readOnly, 'sh', program, '--version'])
      t.match(result, { code: 0, stdout: VERSION }, `${part} ${result.stderr}`)
      // As the wrapper runs it, but telling what V8 took of the compiled code.
      const tell = `/opt/belay/checkout/test/scripts/bundle/tell.ts ${path}/lib/${part} $2-main.js`
      const asTold = (await host.must(['cat', program])).replace(
        /(\S+)\/(\S+)\.js "\$@"/,
        `${tell} --version`
      )
      const told = await host.must(['unshare', '--mount', 'sh', '-c', readOnly, 'sh', 'sh', '-c', asTold])
      const files = JSON.parse(told.trim().split('\n').pop() ?? '') as Record<string, string>
      t.same([...new Set(Object.values(files))], ['taken'], `${part}: compiled code`)
    }
  })

  await t.test('an operation, with the unit, PATH and settings that the module gives', async (t) => {
    const generation = await generations(host, module)
    await host.must(['groupadd', 'belay-operate'])
    const first = await generation('first', 'info')
    await host.must(['nix-env', '-p', '/nix/var/nix/profiles/system', '--set', first])
    t.match(await host.run([`${first}/bin/switch-to-configuration`, 'switch']), { code: 0 })
    const shown = (property: string) => host.must(['systemctl', 'show', '-P', property, 'belay-agent'])
    t.equal(await host.must(['systemctl', 'is-active', 'belay-agent']), 'active')
    t.notMatch(await shown('Environment'), '/usr/bin', 'no program but those that NixOS gives')
    t.equal(await host.must(['stat', '-c', '%G %a', '/run/belay/operate.sock']), 'belay-operate 660')

    const before = await shown('MainPID')
    const second = await generation('second', 'warn')
    const agent = `${await module.path('flake.packages.x86_64-linux.belay-agent')}/bin/belay-agent`
    const result = await host.run([agent, 'activate', second, '--auto-confirm'])
    t.equal(result.code, 0, result.stdout + result.stderr)
    t.equal((await journalOf(host)).phases.at(-1), 'committed')
    t.equal(await host.must(['readlink', '-f', '/nix/var/nix/profiles/system']), second)
    t.not(await shown('MainPID'), before, 'other settings: the agent was restarted')
    t.match(
      result.stdout,
      'restarting the following units: belay-agent.service',
      'once, after the activation'
    )

    const back = await host.run([agent, 'rollback'])
    t.equal(back.code, 0, back.stdout + back.stderr)
    t.equal(await host.must(['readlink', '-f', '/run/current-system']), first)

    const without = await generation('without')
    t.match(await host.run([`${without}/bin/switch-to-configuration`, 'switch']), { code: 0 })
    t.equal(await host.must(['systemctl', 'is-active', 'belay-agent']), 'active', 'no switch takes it away')
  })
})

/** Gives what builds a generation of the host, with the module's files where NixOS puts them if a log level is given. */
async function generations(host: Host, module: ReturnType<typeof moduleOn>) {
  const flake = join(host.root, 'root/fleet')
  writeFlake(flake, {})
  const files = async (logLevel: string): Promise<Pick<Generation, 'units' | 'references' | 'files'>> => {
    const config = enabled(`settings = { groups.operate = "belay-operate"; logLevel = "${logLevel}"; };`)
    const [units, settings] = [await module.path('units', config), await module.path('settings', config)]
    const read = async (path: string) => `${await host.must(['cat', path])}\n`
    const overrides = 'belay-agent.service.d/overrides.conf'
    return {
      references: [await module.path('flake.packages.x86_64-linux.belay-agent')],
      units: {
        'belay-agent.service': await read(`${units}/belay-agent.service`),
        [overrides]: await read(`${units}/${overrides}`),
        'belay-trial.service': await read(`${units}/belay-trial.service`)
      },
      files: { 'etc/belay/agent.json': await read(settings) }
    }
  }
  return async (label: string, logLevel?: string): Promise<string> => {
    const generation = { generation: label, ...(logLevel === undefined ? {} : await files(logLevel)) }
    writeHosts(flake, { [host.name]: generation })
    const attribute = `nixosConfigurations."${host.name}".config.system.build.toplevel`
    return host.must([
      ...['nix', 'build', `path:/root/fleet#${attribute}`],
      ...['--no-link', '--print-out-paths', '--no-write-lock-file']
    ])
  }
}

const nixString = (text: string) => JSON.stringify(text).replaceAll('$', '\\$')
