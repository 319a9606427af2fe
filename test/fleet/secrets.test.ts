import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { CheckReport } from '../../controller/check/report.ts'
import type { Checklist } from '../../controller/cli/commands/checklist.ts'
import type { Preflight } from '../../shared/api/preflight.ts'
import { recipientOfSshKey } from '../../shared/secrets/age.ts'
import { ageKey } from '../controller/leaks/planted.ts'
import { recipient, sopsFile } from '../shared/secrets/sops-files.ts'
import { belay, journalOf, realAgent, truthOf, writeFleetFile } from './deployment.ts'
import { startFleet } from './fleet.ts'
import type { Generation } from './generation.ts'
import type { Host } from './host.ts'
import { fleetUnavailable } from './root.ts'

const sshKey = '/etc/ssh/ssh_host_ed25519_key'
const shell = (host: Host, script: string) => host.must(['sh', '-c', script])
const ownRecipient = (host: Host) => recipientOfSshKey(readFileSync(join(host.root, `${sshKey}.pub`), 'utf8'))

/** Puts an encrypted file into the store of a host; a manifest of sops-nix that wants it. */
async function manifestFor(
  host: Host,
  name: string,
  recipients: readonly string[],
  ageSshKeyPaths = [sshKey]
): Promise<string> {
  writeFileSync(join(host.root, `root/${name}.yaml`), sopsFile('yaml', recipients))
  const file = (await host.must(['nix-store', '--add', `/root/${name}.yaml`])).trim()
  const secret = {
    name,
    path: `/run/secrets/${name}`,
    owner: 'root',
    mode: '0400',
    sopsFile: file,
    format: 'yaml'
  }
  return JSON.stringify({
    ...{ symlinkPath: '/run/secrets', secretsMountPoint: '/run/secrets.d', ageSshKeyPaths },
    secrets: [secret]
  })
}

async function preflight(host: Host, path: string) {
  const { stdout } = await host.run(['belay-agent', '--json', 'preflight', path])
  const { checks } = JSON.parse(stdout) as Preflight
  return (name: string) => checks.find((check) => check.name === name)
}

t.test('secrets on real hosts', { skip: fleetUnavailable() ?? false, timeout: 580_000 }, async (t) => {
  const agentConfig = { checks: { secrets: { kind: 'declared-secrets' } } }
  await using fleet = await startFleet({
    hosts: ['cinnabar', 'electrum'],
    operator: true,
    agent: realAgent(),
    generations: { cinnabar: { generation: 'baseline', agent: 'bundle', agentConfig } }
  })
  const host = fleet.host('cinnabar')
  writeFleetFile(fleet, 60)
  const generation = (label: string, more: Partial<Generation> = {}) =>
    fleet.writeGenerations({ cinnabar: { generation: label, agent: 'bundle', agentConfig, ...more } })
  const push = (label: string, more: Partial<Generation> = {}) => {
    generation(label, more)
    return fleet.push('cinnabar')
  }
  const activate = (path: string) => host.run(['belay-agent', '--json', 'activate', path, '--auto-confirm'])

  await t.test('what this host cannot decrypt is refused before anything changes', async (t) => {
    const foreign = await manifestFor(host, 'db', [recipient(1)])
    const path = await push('foreign', { packages: { 'manifest.json': foreign } })
    const before = await truthOf(host)
    const check = (await preflight(host, path))('secrets')
    t.match(check, { result: 'fail', code: 'secret-undecryptable', evidence: /^db in .*db.yaml is for age1/ })
    t.ok(check?.evidence.includes(ownRecipient(host)), 'the key that the host has')
    t.equal((await activate(path)).code, 1)
    t.equal((await journalOf(host)).phases.at(-1), 'refused')
    t.same({ ...(await truthOf(host)), runner: before.runner }, before)
  })

  await t.test('what it can decrypt is activated, and looked at afterwards', async (t) => {
    const own = await manifestFor(host, 'db', [recipient(1), ownRecipient(host)])
    const path = await push('own', { packages: { 'manifest.json': own } })
    t.match((await preflight(host, path))('secrets'), { result: 'pass', evidence: /1 secrets in 1 files/ })
    t.match(await activate(path), { code: 0 })
    const look = () => host.run(['belay-agent', 'check', 'run', 'secrets'])
    t.match(await look(), { code: 1, stdout: /\/run\/secrets\/db is missing/ })
    const place = 'mkdir -p /run/secrets.d/1; ln -sfn /run/secrets.d/1 /run/secrets; echo x > /run/secrets/db'
    await shell(host, `${place}; chmod 400 /run/secrets/db`)
    t.match(await look(), { code: 0, stdout: /1 secrets are in place/ })
    await shell(host, 'chown nobody /run/secrets/db')
    t.match(await look(), { code: 1, stdout: /belongs to user/ })
    await shell(host, 'chown root /run/secrets/db; chmod 440 /run/secrets/db')
    t.match(await look(), { code: 1, stdout: /has mode 0440, wanted 0400/ })
  })

  await t.test('a drill activates what runs once more, and is evidence', async (t) => {
    const points = async () => {
      const { stdout } = await belay(fleet, '--json', 'checklist', 'cinnabar')
      const { items } = JSON.parse(stdout) as Checklist
      return Object.fromEntries(items.map(({ name, result }) => [name, result]))
    }
    const before = await truthOf(host)
    t.match(await host.run(['belay-agent', 'drill']), { code: 0, stdout: /committed/ })
    t.same({ ...(await truthOf(host)), runner: before.runner }, before)
    t.match(await points(), {
      ...{ 'rollback drill': 'pass', 'baseline verified': 'pass', 'second way in': 'pass' },
      'plan reviewed': 'fail'
    })
    await host.must(['belay-agent', 'hold', 'someone travels'])
    t.match(await host.run(['belay-agent', 'drill']), { code: 1, stdout: /someone travels/ })
    await host.must(['belay-agent', 'release'])
  })

  await t.test('with another host key a rollback would fail, and that is said before', async (t) => {
    await shell(host, `mkdir /root/old; mv ${sshKey} ${sshKey}.pub /root/old`)
    await shell(host, `ssh-keygen -q -t ed25519 -N '' -f ${sshKey}`)
    const path = await push('renewed', {
      packages: { 'manifest.json': await manifestFor(host, 'db', [ownRecipient(host)]) }
    })
    const checks = await preflight(host, path)
    t.match(checks('secrets'), { result: 'pass' })
    t.match(checks('baseline-secrets'), {
      result: 'fail',
      code: 'baseline-secret-undecryptable',
      evidence: /^rollback would fail: db in/
    })
    t.equal((await activate(path)).code, 1)
    await shell(host, `rm ${sshKey} ${sshKey}.pub; mv /root/old/* /etc/ssh/`)
    t.match(
      (await preflight(host, path))('baseline-secrets'),
      { result: 'pass' },
      'with the old key it is fine'
    )
  })

  await t.test('a closure with a secret in it is not copied', async (t) => {
    const secret = ageKey()
    const packages = { 'big-1.0': 8_000_000, 'app-1.0.conf': `key = ${secret}\n` }
    generation('leaking', { packages })
    const refused = await belay(fleet, 'push', '--host', 'cinnabar')
    const said = refused.stdout + refused.stderr
    t.equal(refused.code, 1)
    t.match(said, /leak-found/)
    t.match(said, /age-key in \/nix\/store\/[a-z0-9]+-app-1.0.conf, byte 6/)
    t.notOk(said.includes(secret), 'the value is not shown')
    const path = await fleet.build('cinnabar')
    t.not((await host.run(['nix-store', '--check-validity', path])).code, 0, 'nothing was copied')

    const allow = '{ path: "app-1.0.conf", kind: age-key, reason: made for this test }'
    const fleetFile = join(fleet.operator.root, 'root/fleet.yaml')
    writeFileSync(fleetFile, `${readFileSync(fleetFile, 'utf8')}secrets: { allow: [${allow}] }\n`)
    t.match(await belay(fleet, 'push', '--host', 'cinnabar'), { code: 0 })
    t.equal((await host.run(['nix-store', '--check-validity', path])).code, 0)
  })

  await t.test('secrets are uploaded behind the closure and before the activation', async (t) => {
    const second = fleet.host('electrum')
    const { operator } = fleet
    await shell(operator, "ssh-keygen -q -t ed25519 -N '' -f /root/uploaded")
    const uploaded = recipientOfSshKey(readFileSync(join(operator.root, 'root/uploaded.pub'), 'utf8'))
    const manifest = await manifestFor(second, 'db', [uploaded], ['/etc/ssh/uploaded'])
    const next = (label: string) =>
      fleet.writeGenerations({
        electrum: { generation: label, agent: 'bundle', packages: { 'manifest.json': manifest } }
      })
    const fleetFile = join(operator.root, 'root/fleet.yaml')
    const before = readFileSync(fleetFile, 'utf8')
    const here = before.replace('path:/root/fleet', '/root/fleet')
    const vars = (command: string, timeout = '60s') =>
      writeFileSync(fleetFile, `${here}vars: { upload: true, command: ${command}, timeout: ${timeout} }\n`)
    next('uploaded')
    const deploy = () => belay(fleet, '--json', 'deploy', '--host', 'electrum')
    t.match(await deploy(), { code: 1, stdout: /secret-undecryptable/ }, 'without the upload')

    vars('[sleep, "1000"]', '1s')
    t.match(await deploy(), { code: 1, stdout: /"not-started".*vars-failed/ })
    vars('[sh, -c, "read -r answer; read -r answer < /dev/tty"]')
    const asked = await deploy()
    t.match(asked, { code: 1, stdout: /vars-failed/ }, 'who asks finds no terminal')
    t.match((await truthOf(second)).running, /-baseline$/)

    vars('[scp, -q, /root/uploaded, "{host}:/etc/ssh/uploaded"]')
    t.match(await deploy(), { code: 0, stdout: /"preparing".*"activating".*"committed"/s })
    t.match((await truthOf(second)).running, /-uploaded$/)
    t.match(await belay(fleet, 'vars', 'upload', 'electrum'), { code: 0, stdout: /1 secrets in 1 files/ })
    await second.must(['rm', '/etc/ssh/uploaded'])
    vars('["true", "{host}"]')
    t.match(await belay(fleet, 'vars', 'upload', 'electrum'), { code: 1, stdout: /secrets-wrong/ })
    writeFileSync(fleetFile, before)
  })

  await t.test('a second host takes from a signed cache, and nothing that is not signed', async (t) => {
    const { operator } = fleet
    const second = fleet.host('electrum')
    fleet.writeGenerations({
      electrum: { generation: 'cached', agent: 'bundle', packages: { 'tool-1.0': 1000 } }
    })
    const made =
      'umask 077; nix-store --generate-binary-cache-key lan-1 /root/cache.sk /root/cache.pk; cat /root/cache.pk'
    const key = (await shell(operator, made)).trim()
    const caches = '{ lan: { url: "file:///root/cache", keyFile: cache.sk } }'
    const fleetFile = join(operator.root, 'root/fleet.yaml')
    writeFileSync(fleetFile, `${readFileSync(fleetFile, 'utf8')}caches: ${caches}\n`)
    const path = await fleet.build('electrum')
    const one = ['--host', 'electrum', '--no-build', '--path', `electrum=${path}`]
    // What is copied before it is signed has no signature.
    await operator.must(['nix', 'copy', '--to', 'file:///root/bare', path])
    t.match(await belay(fleet, 'cache', 'push', ...one, '--cache', 'lan'), {
      code: 0,
      stdout: /✔ all \d+ paths/
    })

    const take = (cache: string) => {
      const options = [
        'substituters',
        `file:///root/${cache}`,
        'trusted-public-keys',
        key,
        'require-sigs',
        'true'
      ]
      const given = [0, 2, 4].flatMap((at) => ['--option', options[at] ?? '', options[at + 1] ?? ''])
      return second.run(['nix-store', '--realise', path, ...given])
    }
    for (const cache of ['bare', 'lan'])
      cpSync(
        join(operator.root, 'root', cache === 'lan' ? 'cache' : cache),
        join(second.root, 'root', cache),
        {
          recursive: true
        }
      )
    const refused = await take('bare')
    t.not(refused.code, 0)
    t.match(refused.stderr, /not signed by any of the keys/)
    t.not((await second.run(['nix-store', '--check-validity', path])).code, 0)
    t.match(await take('lan'), { code: 0 })
    t.equal((await second.run(['nix-store', '--check-validity', path])).code, 0)
  })

  await t.test('before a merge: each failure is named, and is nobody else’s', async (t) => {
    const { operator } = fleet
    // Another host: what electrum has does not change.
    const secret = ageKey()
    fleet.writeGenerations({
      cinnabar: { generation: 'leaking', packages: { 'app-2.0.conf': secret } },
      galena: { generation: 'unbuildable', packages: { 'bad-1.0': 0.5 } },
      scheelite: { generation: 'unevaluable', references: ['no store path'], units: { 'a.service': '' } }
    })
    const hosts = ['cinnabar', 'electrum', 'galena', 'scheelite'].map((name) => `  ${name}: {}\n`).join('')
    const lint = '[{ name: yes, command: ["true"] }, { name: no, command: ["false"] }]'
    const free = 'defaults: { push: { checkSignatures: false } }'
    const text = `version: 1\nflake: path:/root/fleet\n${free}\ncheck: { linters: ${lint} }\nhosts:\n${hosts}`
    writeFileSync(join(operator.root, 'root/check.yaml'), text)
    const argv = [
      'belay',
      '--fleet',
      '/root/check.yaml',
      '--json',
      'check',
      '--preview',
      '--junit',
      '/root/j.xml',
      '--summary',
      '/root/s.md'
    ]
    const { code, stdout } = await operator.run(argv)
    t.equal(code, 1)
    const report = JSON.parse(stdout) as CheckReport
    const results = report.hosts.map(({ host, steps }) => [
      host,
      ...steps.map((step) => step.code ?? step.result)
    ])
    t.same(results, [
      ['cinnabar', 'pass', 'pass', 'leak-found', 'skipped'],
      ['electrum', 'pass', 'pass', 'pass', 'pass'],
      ['galena', 'pass', 'build-failed', 'skipped', 'skipped'],
      ['scheelite', 'evaluation-failed', 'skipped', 'skipped', 'skipped']
    ])
    t.match(
      report.hosts[1]?.steps.at(-1),
      { name: 'preview', message: /^[1-9]\d* packages, .* files change, .*; plan [0-9a-f]{12}$/ },
      'against what the host runs now'
    )
    t.same(
      report.repository.map(({ result }) => result),
      ['pass', 'pass', 'pass', 'fail'],
      'nix flake check does not see what is wrong with scheelite'
    )
    const files = await shell(operator, 'cat /root/j.xml /root/s.md')
    t.match(files, /<testsuite name="galena" tests="4" failures="1" skipped="2"/)
    t.match(files, /\| cinnabar \| secrets \| ✖ leak-found \|/)
    t.notOk(`${files}${stdout}`.includes(secret))
  })
})
