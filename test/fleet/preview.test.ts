import t from 'tap'
import type { Plan } from '../../shared/api/plan.ts'
import { belay, realAgent, truthOf, writeFleetFile } from './deployment.ts'
import { startFleet } from './fleet.ts'
import type { Generation } from './generation.ts'
import type { Host } from './host.ts'
import { fleetUnavailable } from './root.ts'

const loop = (seconds: number) => `exec sleep ${seconds}`
/** A unit file of a service that runs until it is stopped, unless the settings say otherwise. */
const unit = (service: string, above = '') => `[Unit]
Description=Of the fixture
${above}
[Service]
${service}
[Install]
WantedBy=multi-user.target
`
const manifest = (mode: string, names: readonly string[]) =>
  JSON.stringify({
    symlinkPath: '/run/secrets',
    secrets: names.map((name) => ({ name, mode, sopsFile: '/nix/store/none', restartUnits: ['web.service'] }))
  })

const before: Generation = {
  generation: 'before',
  agent: 'bundle',
  services: { web: loop(1001), old: loop(1002), same: loop(1003) },
  units: {
    'reloaded.service': unit('ExecStart=/bin/sleep 1001\nExecReload=/bin/true\nX-ReloadIfChanged=true'),
    'direct.service': unit('ExecStart=/bin/sleep 1001\nX-StopIfChanged=false'),
    'kept.service': unit('ExecStart=/bin/sleep 1001\nX-RestartIfChanged=false'),
    'staying.service': unit('ExecStart=/bin/sleep 1001', 'X-StopOnRemoval=false'),
    'worded.service': unit('ExecStart=/bin/sleep 1001', 'Documentation=man:before'),
    'dropped.service': unit('ExecStart=/bin/sleep 1001'),
    'dropped.service.d/more.conf': '[Service]\nEnvironment=A=1\n',
    'again.service': unit('Type=oneshot\nExecStart=/bin/true'),
    'off.service': '[Service]\nExecStart=/bin/sleep 1001\n'
  },
  packages: {
    'curl-8.9.0': 20_000,
    'nano-7.2': 90_000,
    'jq-1.7.1-bin': 9000,
    'manifest.json': manifest('0400', ['db', 'gone'])
  },
  files: {
    'etc/motd': 'before\n',
    'etc/app/old.conf': 'a\n',
    'etc/app/app.conf': 'level = info\npassword = correct-horse\n',
    'etc/app/same.conf': 'same\n'
  }
}
const after: Generation = {
  generation: 'after',
  agent: 'bundle',
  services: { web: loop(2001), same: loop(1003), fresh: loop(2002) },
  units: {
    'reloaded.service': unit('ExecStart=/bin/sleep 2001\nExecReload=/bin/true\nX-ReloadIfChanged=true'),
    'direct.service': unit('ExecStart=/bin/sleep 2001\nX-StopIfChanged=false'),
    'kept.service': unit('ExecStart=/bin/sleep 2001\nX-RestartIfChanged=false'),
    'worded.service': unit('ExecStart=/bin/sleep 1001', 'Documentation=man:after'),
    'dropped.service': unit('ExecStart=/bin/sleep 1001'),
    'dropped.service.d/more.conf': '[Service]\nEnvironment=A=2\n',
    'again.service': unit('Type=oneshot\nExecStart=/bin/true'),
    'off.service': '[Service]\nExecStart=/bin/sleep 2001\n'
  },
  packages: {
    'curl-8.10.1': 40_000,
    'ripgrep-14.1.0': 5_000_100,
    'jq-1.7.1-bin': 90_000,
    'manifest.json': manifest('0440', ['db', 'new'])
  },
  files: {
    'etc/motd': 'after\n',
    'etc/app/new.conf': 'b\n',
    'etc/app/app.conf': 'level = debug\npassword = battery-staple\n',
    'etc/app/same.conf': 'same\n'
  },
  kernelParams: 'loglevel=7'
}

/** All of a host that an activation could change, as text. */
const everything = `
cd / && for tree in etc boot var/lib/belay nix/var/nix/profiles nix/var/nix/gcroots; do
  find "$tree" -printf '%p %y %l %m %U %G %T@\\n' | sort
  find "$tree" -type f -print0 | sort -z | xargs -0r sha256sum
done
readlink /run/current-system /run/booted-system
ls -A /run/secrets /run/systemd/transient 2>&1
systemctl show '*' --property=Id,ActiveState,SubState,InvocationID,NRestarts,Job,NeedDaemonReload | grep -v '^$'
nix-store --dump-db | sha256sum`

const preview = async (host: Host, path: string, ...flags: string[]) =>
  JSON.parse(await host.must(['belay-agent', '--json', 'preview', path, ...flags])) as Plan

t.test(
  'a plan changes nothing, and every line of it comes true',
  { skip: fleetUnavailable() ?? false, timeout: 180_000 },
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
      const was = await host.must(['sh', '-c', everything])
      t.match(was, /\/boot\/|boot\/loader/)
      plan = await preview(host, to, '--diff')
      t.equal(await host.must(['sh', '-c', everything]), was)
      const dry = await preview(host, to, '--dry-activate')
      t.equal(await host.must(['sh', '-c', everything]), was, 'nor does the dry run of the fixture')
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

// biome-ignore lint/suspicious/noControlCharactersInRegex: Nix colours even what goes into a pipe
const plain = (line: string) => line.replace(/\u001b\[[0-9;]*m/g, '')

/** The packages of a plan in the words of `nix store diff-closures`. */
function asNixSays({ packages }: Plan): string[] {
  const versions = (all: readonly string[]) => all.map((version) => version || 'ε').join(', ') || '∅'
  return packages.flatMap(({ name, before, after, bytesBefore, bytesAfter }) => {
    const [gone, come] = [before.filter((v) => !after.includes(v)), after.filter((v) => !before.includes(v))]
    const kib = (bytesAfter - bytesBefore) / 1024
    const items = [
      ...(gone.length + come.length > 0 ? [`${versions(gone)} → ${versions(come)}`] : []),
      ...(Math.abs(kib) >= 8 ? [`${kib > 0 ? '+' : ''}${kib.toFixed(1)} KiB`] : [])
    ]
    return items.length > 0 ? [`${name}: ${items.join(', ')}`] : []
  })
}

/** Hashes of the files below /etc by path; links that say what is wanted by their target. */
async function filesOf(host: Host): Promise<ReadonlyMap<string, string>> {
  // mtab is the kernel's.
  const find = 'cd /etc && find -L . -path ./static -prune -o -name mtab -prune -o -type f'
  const script = `${find} ! -path '*.wants/*' -print0 | xargs -0 sha256sum; ${find} -path '*.wants/*' -printf '%f  %p\\n'`
  const lines = (await host.must(['bash', '-c', script])).trim().split('\n')
  return new Map(lines.map((line) => [line.replace(/^\S+ +\.\//, ''), line.split(' ')[0] ?? '']))
}

const messages: Readonly<Record<string, string>> = {
  '39f53479d3a045ac8e11786248231fbf': 'started',
  '9d1aaa27d60140bd96365438aad20286': 'stopped',
  '7b05ebc668384222baa8881179cfda54': 'reloaded',
  d9b373ed55a64feb8242e02dbe79a49c: 'failed'
}
const happens = {
  stop: 'stopped',
  start: 'started',
  restart: 'stopped, started',
  reload: 'reloaded',
  keep: '',
  none: ''
}

/** What systemd says that it did, by unit. */
async function jobsSince(host: Host, cursor: string): Promise<ReadonlyMap<string, readonly string[]>> {
  await host.must(['journalctl', '--sync'])
  const lines = (await host.must(['journalctl', `--after-cursor=${cursor}`, '-o', 'json', '_PID=1']))
    .trim()
    .split('\n')
  const seen = new Map<string, string[]>()
  for (const { UNIT, MESSAGE_ID } of lines.map(
    (line) => JSON.parse(line) as { UNIT?: string; MESSAGE_ID?: string }
  )) {
    const what = messages[MESSAGE_ID ?? '']
    if (UNIT !== undefined && what !== undefined) seen.set(UNIT, [...(seen.get(UNIT) ?? []), what])
  }
  return seen
}

/** A oneshot is started once it has ended, and is not stopped for that. */
const whatHappened = (seen: readonly string[] = []) =>
  ['stopped', 'started', 'reloaded', 'failed'].filter((what) => seen.includes(what)).join(', ')
