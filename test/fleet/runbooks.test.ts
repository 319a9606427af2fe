import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { startCommand } from '../../shared/command.ts'
import { Mac } from '../darwin/mac.ts'
import type { System } from '../darwin/system.ts'
import { hasEnded, journalOf as macJournalOf, truthOf as macTruthOf } from '../darwin/truth.ts'
import type { Machine } from '../runbooks/run.ts'
import { runRunbook } from '../runbooks/run.ts'
import { SIGNERS } from './approvals.ts'
import { journalOf, realAgent, truthOf } from './deployment.ts'
import { limits } from './faults/fault.ts'
import type { Fleet } from './fleet.ts'
import { startFleet } from './fleet.ts'
import type { Generation } from './generation.ts'
import type { Host } from './host.ts'
import { fleetUnavailable } from './root.ts'

/** Every command of docs/runbooks on real hosts; those of macOS on the stand-in. */
const skip = fleetUnavailable() ?? false
const PORT = 8080

// The Mac is a machine of its own.
t.jobs = 2

const script = (text: string) => ['sh', '-euc', text]

/** The operator's machine, in the folder of the flake. */
const operatorOf = (fleet: Fleet): Machine => ({
  run: (text) => fleet.operator.run(script(`cd /root/fleet; ${text}`)),
  write: (name, text) => writeFileSync(join(fleet.operator.root, 'root/fleet', name), text)
})

const hostOf = (host: Host, env = ''): Machine => ({
  run: (text) => host.run(script(`${env}${text}`))
})

const agentConfig = {
  limits,
  approval: { signersFile: SIGNERS },
  checks: { units: { kind: 'failed-units' } }
}
const base = (generation: string, more: Partial<Generation> = {}): Generation => ({
  ...{ generation, agent: 'bundle', agentConfig },
  ...more
})

t.test('on NixOS', { skip, timeout: 1_200_000 }, async (t) => {
  await using fleet = await startFleet({
    hosts: ['cinnabar', 'electrum'],
    operator: true,
    agent: realAgent(),
    generations: { cinnabar: base('baseline'), electrum: base('baseline') }
  })
  const [host, second, { operator }] = [fleet.host('cinnabar'), fleet.host('electrum'), fleet]
  const runs = async (label: string, of = host) => (await truthOf(of)).running.endsWith(`-${label}`)
  const is = async (t: Test, label: string, of = host) =>
    t.match((await truthOf(of)).running, new RegExp(`-${label}$`), `${of.name} runs ${label}`)
  const answers = () =>
    host.waitFor(async () => (await host.run(['belay-agent', 'status'])).code === 0, 'the agent')
  const machines = { operator: operatorOf(fleet), cinnabar: hostOf(host) }

  const signer = (await operator.must(script('ssh-keygen -y -f /root/.ssh/id_ed25519'))).trim()
  const line = `alice@example.org namespaces="belay-approval@belay" ${signer}\n`
  writeFileSync(join(host.root, SIGNERS), line, { mode: 0o644 })

  await t.test('development', async (t) => {
    await runRunbook(t, 'development', machines, {
      edited: {
        before: () =>
          fleet.writeGenerations({ cinnabar: base('greeting', { files: { 'etc/motd': 'hello\n' } }) })
      },
      deployed: { after: (t) => is(t, 'greeting') },
      back: { after: (t) => is(t, 'baseline') },
      again: { after: (t) => is(t, 'greeting') },
      failed: {
        before: () => fleet.writeGenerations({ cinnabar: base('failing', { failingUnit: true }) }),
        after: (t) => is(t, 'greeting')
      },
      looked: { after: (t, { stdout }) => t.match(stdout, /rolled-back[\s\S]*failing\.service/) }
    })
  })

  await t.test('production', async (t) => {
    await runRunbook(t, 'production', machines, {
      next: {
        before: () => fleet.writeGenerations({ cinnabar: base('release'), electrum: base('release') }),
        after: (t, { stdout }) => t.match(stdout, /✖ plan reviewed[\s\S]*✖ rollback drill/)
      },
      withheld: {
        after: async (t, { stdout, stderr }) => {
          t.match(`${stdout}${stderr}`, /it lacks .*drill/)
          await is(t, 'greeting')
        }
      },
      complete: { after: (t, { stdout }) => t.match(stdout, /✔ complete/) },
      started: {
        after: async (t, { stdout }) => {
          await is(t, 'release', second)
          await is(t, 'greeting')
          t.match(stdout, /waiting-for-approval/)
        }
      },
      approved: { after: (t) => is(t, 'release') },
      'taken-back': {
        after: async (t) => {
          await is(t, 'greeting')
          await is(t, 'baseline', second)
        }
      }
    })
  })

  await t.test('cache and CI', async (t) => {
    const key = (name: string) => readFileSync(join(operator.root, 'root/fleet/keys', name), 'utf8').trim()
    // One that the host has not got from elsewhere.
    fleet.writeGenerations({ cinnabar: base('cached') })
    const closure = await fleet.build('cinnabar')
    const serve = await serveCache(fleet)
    t.teardown(() => serve.kill())
    const env = () => `CLOSURE=${closure}; PUBLIC_KEY='${key('cache.pk')}'; `
    const cinnabar: Machine = { run: (text) => hostOf(host, env()).run(text) }
    await runRunbook(
      t,
      'cache-and-ci',
      { ...machines, cinnabar },
      {
        key: {
          after: async () => {
            await second.must(
              script(`echo 'trusted-public-keys = ${key('cache.pk')}' >>/etc/nix/nix.conf
            systemctl restart nix-daemon`)
            )
          }
        },
        pushed: {
          after: async (t, { stdout }) => {
            t.match(stdout, /lan +✔ all \d+ paths[\s\S]*files +✔ all \d+ paths/)
            t.equal((await second.run(['nix-store', '--check-validity', closure])).code, 0, 'by ssh-ng')
          }
        },
        served: {
          before: async () => {
            await host.must(script('echo 10.77.0.1 cache.example >>/etc/hosts'))
            await t.rejects(take(host, closure, 'stranger-1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='), {
              message: /signature|not signed/
            })
          },
          after: async (t) => t.equal((await host.run(['nix-store', '--check-validity', closure])).code, 0)
        },
        checked: { after: (t, { stdout }) => t.match(stdout, /cinnabar/) },
        'new-key': {
          after: async (t) => {
            const [, hash = ''] = /\/([0-9a-z]{32})-/.exec(closure) ?? []
            const narinfo = readFileSync(join(operator.root, 'root/cache', `${hash}.narinfo`), 'utf8')
            t.match(narinfo, /Sig: lan-1:[\s\S]*Sig: lan-2:/)
          }
        }
      }
    )
  })

  await t.test('recovery', async (t) => {
    const activate = async (label: string, ...more: string[]) => {
      await answers()
      await host.run(['belay-agent', 'release'])
      fleet.writeGenerations({ cinnabar: base(label) })
      const path = await fleet.push('cinnabar')
      const flags = ['--auto-confirm', '--again', '--over-drift', ...more]
      await host.must(['belay-agent', 'activate', path, ...flags])
    }
    const [atFirst] = [(await truthOf(host)).running]
    const isAtFirst = async (t: Test) => t.equal((await truthOf(host)).running, atFirst)
    const phase = async () => (await journalOf(host)).phases.at(-1)
    const rescueSystem: Machine = {
      run: (text) => {
        const enter = `mount --rbind ${host.root} /mnt; ${text}`
        return fleet.exec(['unshare', '--mount', ...script(enter)])
      }
    }
    await runRunbook(
      t,
      'recovery-nixos',
      { ...machines, 'rescue-system': rescueSystem },
      {
        'network-cut': {
          before: async () => {
            await host.run(['belay-agent', 'release'])
            fleet.writeGenerations({ cinnabar: base('cut', { cutNetwork: true }) })
            const path = await fleet.push('cinnabar')
            await host.must(['belay-agent', 'activate', path, '--window', '5', '--over-drift', '--no-follow'])
            await host.waitFor(async () => (await phase()) === 'rolled-back', 'the way back')
          },
          after: isAtFirst
        },
        'bad-committed': { before: () => activate('bad-1'), after: isAtFirst },
        'agent-dead': {
          before: async () => {
            await activate('bad-2')
            await host.must(['systemctl', 'kill', '--signal=KILL', 'belay-agent'])
            await host.must(['systemctl', 'stop', 'belay-agent'])
          },
          after: isAtFirst
        },
        stuck: {
          before: async () => {
            await answers()
            await host.run(['belay-agent', 'release'])
            fleet.writeGenerations({ cinnabar: base('bad-3', { failingUnit: true }) })
            const path = await fleet.push('cinnabar')
            const breaks = 'until systemctl is-failed --quiet failing.service; do sleep 0.01; done'
            const knob = `${breaks}; echo 1000 > /run/fixture-broken-switches`
            await host.must(['systemd-run', '--quiet', '--collect', 'sh', '-c', knob])
            await host.must([
              'belay-agent',
              'activate',
              path,
              '--auto-confirm',
              '--over-drift',
              '--no-follow'
            ])
            await host.waitFor(async () => (await phase()) === 'stuck', 'stuck')
          },
          after: (t, { stdout }) => t.match(stdout, /stuck/)
        },
        mended: { before: () => host.must(['rm', '-f', '/run/fixture-broken-switches']), after: isAtFirst },
        damaged: {
          before: async () => {
            await activate('bad-4')
            await host.must(script('systemctl stop belay-agent; echo "{" >/var/lib/belay/marks.json'))
          },
          after: (t) => is(t, 'baseline')
        },
        'no-node': {
          before: async () => {
            await activate('bad-5')
            // The script is made anew when an operation has ended; the one of before would put it aside.
            const { id } = await journalOf(host)
            const anew = async () =>
              (await host.run(['grep', '-q', id, '/var/lib/belay/rescue.sh'])).code === 1
            await host.waitFor(anew, 'the script for what runs now')
            await host.must(['mount', '--bind', '/dev/null', '/opt/belay/node'])
          },
          after: async (t) => {
            await host.must(['umount', '/opt/belay/node'])
            await is(t, 'baseline')
          }
        },
        'by-hand': {
          before: async () => {
            await activate('bad-6')
            await host.must(script('systemctl stop belay-agent; mv /var/lib/belay /root/state'))
          }
        },
        'back-by-hand': {
          after: async (t) => {
            await is(t, 'baseline')
            await host.must(
              script(`systemctl stop belay-agent; rm -rf /var/lib/belay
            mv /root/state /var/lib/belay; systemctl start belay-agent`)
            )
          }
        },
        reboot: {
          goesOff: true,
          after: async (t) => {
            await host.whenRebooted()
            await is(t, 'baseline')
          }
        },
        'reboot-once': {
          before: () => activate('bad-7'),
          goesOff: true,
          after: async (t) => {
            await host.whenRebooted()
            await is(t, 'baseline')
            t.notOk(await runs('bad-7'))
            t.match((await truthOf(host)).bootDefault, /-bad-7$/, 'for one boot')
          }
        },
        off: {
          before: () => host.powerCut(),
          after: async (t) => {
            await host.boot()
            await is(t, 'baseline')
            t.match(await truthOf(host), { profile: /-baseline$/, bootDefault: /-baseline$/ })
          }
        },
        afterwards: { before: answers }
      }
    )
  })
})

/** What `served` does, with another key. */
async function take(host: Host, closure: string, key: string): Promise<void> {
  const from = [
    '--option',
    'substituters',
    `http://cache.example:${PORT}`,
    '--option',
    'require-sigs',
    'true'
  ]
  await host.must(['nix-store', '--realise', closure, ...from, '--option', 'trusted-public-keys', key])
}

/** A plain web server in front of the operator's cache, in the fleet's network. */
function serveCache(fleet: Fleet) {
  const serve = `require('node:http').createServer((request, response) => {
    const file = require('node:path').join(process.argv[1], decodeURIComponent(new URL(request.url, 'http://x').pathname))
    require('node:fs').readFile(file, (error, data) => { response.statusCode = error ? 404 : 200; response.end(data) })
  }).listen(${PORT}, '10.77.0.1')`
  return startCommand(
    fleet.inNetwork([process.execPath, '-e', serve, join(fleet.operator.root, 'root/cache')])
  )
}

t.test('on a stand-in for a Mac', { skip, timeout: 600_000 }, async (t) => {
  const config = { limits: { agentSeconds: 8, activationSeconds: 30 } }
  const system = (label: string): System => ({
    ...{ label, daemons: { 'org.nixos.web': 'exec sleep 100000' }, config },
    files: { 'etc/greeting': `${label}\n` }
  })
  await using mac = await Mac.start(system('baseline'))
  const before = await macTruthOf(mac)
  const ended = () => mac.waitFor('the end of the operation', () => hasEnded(mac))
  const isBaseline = async (t: Test) =>
    t.match(await macTruthOf(mac), { running: before.running, greeting: 'baseline' })
  const stibnite: Machine = { run: (text) => mac.run(script(text), 120_000) }
  await runRunbook(
    t,
    'recovery-darwin',
    { stibnite },
    {
      unconfirmed: {
        before: async () => {
          await mac.activate(await mac.build(system('unconfirmed')), '--window', '5')
          await mac.waitFor('the window', () =>
            macJournalOf(mac).some(({ type }) => type === 'window-opened')
          )
          await ended()
          await mac.whenAnswering()
        },
        after: isBaseline
      },
      'bad-committed': {
        before: async () => {
          await mac.activate(await mac.build(system('bad-1')), '--auto-confirm')
          await ended()
        },
        after: isBaseline
      },
      'by-hand': {
        before: async () => {
          await mac.run(['belay-agent', 'release'])
          await mac.activate(await mac.build(system('bad-2')), '--auto-confirm', '--over-drift')
          await ended()
          await mac.must(['launchctl', 'bootout', 'system/org.nixos.belay-agent'])
        }
      },
      'back-by-hand': { after: isBaseline },
      afterwards: { after: () => mac.whenAnswering() }
    }
  )
})
