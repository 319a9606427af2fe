import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Settings } from '../../agent/config/settings.ts'
import { AGENT_LABEL } from '../../agent/platform/darwin/jobs.ts'
import { parsePlist } from '../../agent/platform/darwin/plist.ts'
import { LOGIN_MESSAGE } from '../../agent/rescue/keep.ts'
import { ControllerSettings } from '../../controller/server/settings.ts'
import { Mac } from '../darwin/mac.ts'
import { fleetUnavailable } from '../fleet/root.ts'
import { checkout } from '../systemd/module.ts'
import type { Option } from '../systemd/options.ts'
import { byName, optionsOf } from '../systemd/options.ts'

const there = '/opt/belay/checkout'

t.test('the module of nix-darwin', { skip: fleetUnavailable() ?? false, timeout: 120_000 }, async (t) => {
  await using mac = await Mac.bare()
  const evaluate = async (attribute: string, config = '{ }'): Promise<unknown> => {
    const base = [
      `${there}/test/fixtures/module/darwin.nix`,
      '--arg',
      'checkout',
      there,
      '--arg',
      'host',
      config
    ]
    return JSON.parse(
      await mac.must(['nix-instantiate', '--eval', '--strict', '--json', ...base, '--attr', attribute])
    )
  }
  const enabled = '{ services.belay-agent.enable = true; }'

  await t.test('its files parse', async (t) => {
    for (const file of globSync('launchd/*.nix', { cwd: checkout }))
      t.equal((await mac.run(['nix-instantiate', '--parse', join(there, file)])).code, 0, file)
  })

  await t.test('its options are the keys of the configuration file', async (t) => {
    t.same(byName((await evaluate('options')) as Option[]), byName(optionsOf(Settings)))
  })

  await t.test('the options of the controller are the keys of its configuration file', async (t) => {
    t.same(byName((await evaluate('controllerOptions')) as Option[]), byName(optionsOf(ControllerSettings)))
  })

  await t.test('the controller is a job of the primary user, filled in', async (t) => {
    t.same(await evaluate('userAgents', enabled), {}, 'off')
    const on = (settings: string) =>
      `{ services.belay-controller = { enable = true; package = ${built}; ${settings} }; }`
    const built =
      '{ name = "belay"; type = "derivation"; outPath = "/nix/store/x-belay"; meta.mainProgram = "belay"; }'
    const withFile = on('settings.fleetFile = "/Users/alice/fleet.yaml";')
    t.same(await evaluate('failedAssertions', withFile), [])
    t.match(await evaluate('failedAssertions', on('')), [/needs settings\.fleetFile/])
    const name = 'org.nixos.belay-controller'
    const { [`${name}.plist`]: text = '' } = (await evaluate('userAgents', withFile)) as Record<
      string,
      string
    >
    t.notMatch(text.replace(/<!--[\s\S]*?-->/g, ''), /@/, 'nothing is left to fill in')
    t.match(parsePlist(text), {
      Label: name,
      ProgramArguments: ['/nix/store/x-belay/bin/belay', 'serve', '--config', '/etc/belay/controller.json'],
      StandardErrorPath: '/Users/alice/Library/Logs/belay-controller.log'
    })
  })

  await t.test('the flake has it, and packages for both kinds of Mac', async (t) => {
    const parts = ['belay', 'belay-agent', 'default']
    t.same(await evaluate('packages'), { 'aarch64-darwin': parts, 'x86_64-darwin': parts })
  })

  await t.test(
    'off, it changes nothing; on, the daemon is the list in launchd/, and its log is rotated',
    async (t) => {
      t.same(await evaluate('files'), {})
      t.equal(await evaluate('login'), '')
      t.match(await evaluate('login', enabled), `cat ${LOGIN_MESSAGE}\n`, 'what the agent says is shown')
      const files = (await evaluate('files', enabled)) as Record<string, string>
      const name = `${AGENT_LABEL}.plist`
      t.equal(files[name], readFileSync(join(checkout, 'launchd', name), 'utf8'))
      t.match(parsePlist(files[name] ?? ''), {
        Label: AGENT_LABEL,
        StandardErrorPath: '/var/log/belay-agent.log'
      })
      t.match(
        files['newsyslog.d/belay-agent.conf'],
        /^\/var\/log\/belay-agent\.log 640 5 5120 \* JR \/nix\/store\/\S+-belay-agent-rotated\n$/
      )
    }
  )

  await t.test('the daemon names no store path: no generation changes it', async (t) => {
    t.notMatch(readFileSync(join(checkout, 'launchd', `${AGENT_LABEL}.plist`), 'utf8'), /\/nix\/store\//)
  })
})
