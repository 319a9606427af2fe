import t from 'tap'
import type { Plan } from '../../shared/api/plan.ts'
import { belay, realAgent, truthOf, writeFleetFile } from './deployment.ts'
import { everything } from './everything.ts'
import { startFleet } from './fleet.ts'
import type { Host } from './host.ts'
import {
  after,
  asNixSays,
  before,
  filesOf,
  happens,
  jobsSince,
  plain,
  whatHappened
} from './preview-world.ts'
import { fleetUnavailable } from './root.ts'

const preview = async (host: Host, path: string, ...flags: string[]) =>
  JSON.parse(await host.must(['belay-agent', '--json', 'preview', path, ...flags])) as Plan

t.test(
  'a plan changes nothing, and every line of it comes true',
  { skip: fleetUnavailable() ?? false, timeout: 900_000 },
  async (t) => {
    await using fleet = await startFleet({
      hosts: ['cinnabar', 'electrum'],
      operator: true,
      agent: realAgent(),
      generations: { cinnabar: before }
    })
    const host = fleet.host('cinnabar')
    fleet.writeGenerations({ cinnabar: after })
    const to = await fleet.push('cinnabar')
    const from = (await host.must(['readlink', '-f', '/run/current-system'])).trim()
    let plan = await preview(host, to)

    await t.test('it changes nothing, whatever is asked for', async (t) => {
      // What the host still does for itself has ended.
      await host.run(['systemctl', 'is-system-running', '--wait'])
      const look = () => everything(host)
      const was = await look()
      t.match(was, /\/boot\/|boot\/loader/)
      plan = await preview(host, to, '--diff')
      t.equal(await look(), was)
      const dry = await preview(host, to, '--dry-activate')
      // systemd forgets the unit of the dry run a moment after its end.
      await host.waitFor(async () => (await look()) === was, 'as before').catch(() => {})
      t.equal(await look(), was, 'nor does the dry run of the fixture')
      t.equal(dry.hash, plan.hash, 'how deep one looks is not part of the hash')
      const planned = (actions: readonly string[]) =>
        plan.services.filter(({ action }) => actions.includes(action)).map(({ unit }) => unit)
      t.same(
        dry.dryActivation?.stop.filter((unit) => !dry.dryActivation?.start.includes(unit)),
        planned(['stop'])
      )
      t.same(
        dry.dryActivation?.keep,
        planned(['keep']).filter((unit) => unit !== 'staying.service')
      )
      t.same(dry.dryActivation?.reload, planned(['reload']))
    })

    await t.test('who may only observe may look, and not have it run', async (t) => {
      const ask = (role: string, body: object) =>
        host.must([
          'curl',
          '-s',
          '--unix-socket',
          `/run/belay/${role}.sock`,
          '-H',
          'content-type: application/json',
          '-d',
          JSON.stringify(body),
          'http://agent/v1/profiles/system/preview'
        ])
      t.match(JSON.parse(await ask('observe', { storePath: to })), { hash: plan.hash })
      t.match(JSON.parse(await ask('observe', { storePath: to, dryActivate: true })), {
        code: 'role-too-low'
      })
      t.match(JSON.parse(await ask('observe', { storePath: `${to}x` })), { code: 'path-not-valid' })
    })

    await t.test('what it says of files and secrets', async (t) => {
      const app = plan.files.find(({ path }) => path === 'app/app.conf')
      t.match(app?.diff, /^-level = info$/m)
      t.match(app?.diff, /^\+level = debug$/m)
      t.notMatch(JSON.stringify(plan), /correct-horse|battery-staple/)
      t.same(plan.secrets, [
        { name: 'db', change: 'changed', what: ['mode'], units: ['web.service'] },
        { name: 'gone', change: 'removed', what: [], units: ['web.service'] },
        { name: 'new', change: 'added', what: [], units: ['web.service'] }
      ])
      t.same(
        plan.reboot.causes.map(({ what }) => what),
        ['kernel-params']
      )
      t.same(
        plan.notCovered.map(({ code }) => code),
        ['data', 'kernel', 'secrets']
      )
    })

    await t.test('packages are those of nix store diff-closures', async (t) => {
      const said = (await host.must(['nix', 'store', 'diff-closures', from, to]))
        .trim()
        .split('\n')
        .map(plain)
      t.same(asNixSays(plan), said)
      t.match(
        plan.packages.find(({ name }) => name === 'jq'),
        { change: 'rebuilt', bytesAfter: Number }
      )
      const size = async (path: string) =>
        Number((await host.must(['nix', 'path-info', '-S', path])).trim().split(/\s+/)[1])
      t.same([plan.closure.before.bytes, plan.closure.after.bytes], [await size(from), await size(to)])
    })

    await t.test('both ways of asking Nix have the same answer', async (t) => {
      const script = `const { readClosures, readClosuresAsJson } = await import('/opt/belay/checkout/agent/platform/nix/closure-info.ts')
        const [from, to] = process.argv.slice(1)
        const text = (all) => JSON.stringify(all.map((sizes) => [...sizes].sort()))
        const [one, other] = [await readClosures(from, to), await readClosuresAsJson(from, to)].map(text)
        console.log(one === other, one.length > 1000)`
      const node = ['/opt/belay/node', '--input-type=module', '-e', script]
      t.equal(await host.must([...node, from, to]), 'true true')
    })

    await t.test('no dry run while somebody switches the host, and a look all the same', async (t) => {
      const unit = 'nixos-rebuild-switch-to-configuration'
      await host.must(['systemd-run', '--quiet', `--unit=${unit}`, 'sleep', '60'])
      const refused = await host.run(['belay-agent', '--json', 'preview', to, '--dry-activate'])
      t.equal(refused.code, 1)
      t.match(JSON.parse(refused.stdout), { error: { code: 'operation-running' } })
      t.equal((await preview(host, to)).hash, plan.hash)
      await host.must(['systemctl', 'stop', unit])
    })

    await t.test('a controller asks several hosts, and activates nothing', async (t) => {
      writeFleetFile(fleet, 10)
      fleet.writeGenerations({ electrum: { generation: 'lost', agent: 'none' } })
      const were = await Promise.all(fleet.hosts.map(truthOf))
      const { code, stdout } = await belay(fleet, '--json', 'plan')
      t.equal(code, 1, 'one of them has no plan')
      const { hosts } = JSON.parse(stdout) as { hosts: { host: string; plan?: Plan; code?: string }[] }
      t.equal(hosts.find(({ host }) => host === 'cinnabar')?.plan?.hash, plan.hash)
      t.match(
        hosts.find(({ host }) => host === 'electrum'),
        { ok: false, code: 'agent-missing' }
      )
      const text = await belay(
        fleet,
        'plan',
        '--markdown',
        '--no-build',
        '--path',
        `cinnabar=${to}`,
        '--host',
        'cinnabar'
      )
      t.equal(text.code, 0)
      t.match(text.stdout, /^### cinnabar: .*\n[\s\S]*<details><summary>Packages/)
      t.same(await Promise.all(fleet.hosts.map(truthOf)), were)
    })

    await t.test('after the activation every line is true', async (t) => {
      const filesWere = await filesOf(host)
      const cursor =
        (await host.must(['journalctl', '-n', '0', '--show-cursor'])).trim().split(' ').at(-1) ?? ''
      const done = await host.run(['belay-agent', 'activate', to, '--auto-confirm'])
      t.equal(done.code, 0, done.stdout + done.stderr)
      const seen = await jobsSince(host, cursor)
      for (const { unit, action } of plan.services)
        t.equal(whatHappened(seen.get(unit)), happens[action], `${unit}: ${action}`)
      const touched = [...seen.keys()].filter((name) =>
        /^(web|old|same|fresh|reloaded|direct|kept|staying|worded|dropped|again|off|belay-agent)\.service$/.test(
          name
        )
      )
      const listed = plan.services.map(({ unit }) => unit)
      t.same(
        touched.filter((name) => !listed.includes(name)),
        [],
        'nothing happened that is not in the plan'
      )
      t.same(
        plan.services.map(({ unit, action }) => `${action} ${unit}`),
        [
          'start again.service',
          'restart direct.service',
          'restart dropped.service',
          'start fresh.service',
          'keep kept.service',
          'none off.service',
          'stop old.service',
          'reload reloaded.service',
          'keep staying.service',
          'restart web.service'
        ]
      )
      const filesAre = await filesOf(host)
      const names = [...new Set([...filesWere.keys(), ...filesAre.keys()])].sort()
      const changed = names.flatMap((path) => {
        const [was, is] = [filesWere.get(path), filesAre.get(path)]
        return was === is
          ? []
          : [`${was === undefined ? 'added' : is === undefined ? 'removed' : 'changed'} ${path}`]
      })
      t.same(
        plan.files.map(({ path, change }) => `${change} ${path}`),
        changed
      )
      const again = await preview(host, to)
      t.match(again, {
        from: to,
        packages: [],
        files: [],
        secrets: [],
        reboot: { required: false, recommended: true }
      })
    })
  }
)
