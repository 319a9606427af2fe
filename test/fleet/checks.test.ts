import { cpSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import type { CheckState } from '../../shared/api/checks.ts'
import { mustRun, runCommand } from '../../shared/command.ts'
import { journalOf, realAgent, truthOf } from './deployment.ts'
import { startFleet } from './fleet.ts'
import type { Generation } from './generation.ts'
import type { Host } from './host.ts'
import { fleetUnavailable } from './root.ts'

const run = async (host: Host, name: string): Promise<CheckState> =>
  JSON.parse((await host.run(['belay-agent', '--json', 'check', 'run', name])).stdout) as CheckState
const sh = (host: Host, script: string) => host.must(['sh', '-c', script])

const checks = {
  units: { kind: 'failed-units', ignore: ['may-fail.service'] },
  web: { kind: 'service', units: ['web.service'] },
  restarts: { kind: 'service-restarts', service: 'restless.service', warn: 1, fail: 2 },
  homes: { kind: 'home-manager', users: ['alice'] },
  'no-homes': { kind: 'home-manager', users: ['bob-2'] },
  jobs: { kind: 'stuck-jobs', olderThanSeconds: 1 },
  log: {
    kind: 'log-errors',
    patterns: ['catastrophe'],
    ignore: ['harmless'],
    unit: 'noise.service',
    fail: 3
  },
  flag: { kind: 'command', argv: ['test', '!', '-e', '/run/flag'] },
  who: { kind: 'command', argv: ['sh', '-c', 'id -un; pwd'], user: 'alice', pattern: '^alice$' },
  nobody: { kind: 'command', argv: ['true'], user: 'no-such-user' },
  words: { kind: 'command', argv: ['printf', '%s\n', '100%H $HOME a b'], pattern: '^100%H \\$HOME a b$' },
  number: {
    kind: 'command',
    argv: ['cat', '/run/number'],
    value: 'number',
    pattern: 'n=(\\d+)',
    warn: 5,
    fail: 10
  },
  speed: { kind: 'command', argv: ['sleep', '0.3'], value: 'duration', warn: 20 },
  hangs: {
    kind: 'command',
    argv: ['sh', '-c', 'trap "" TERM; setsid sleep 7771 & sleep 7772 & sleep 7773'],
    timeoutSeconds: 1
  },
  floods: { kind: 'command', argv: ['sh', '-c', 'setsid sleep 7774 & yes flood'], timeoutSeconds: 20 },
  leaves: { kind: 'command', argv: ['sh', '-c', 'setsid sleep 7775 >/dev/null 2>&1 & echo done'] },
  missing: { kind: 'command', argv: ['/no/such/program'] },
  http: { kind: 'http', url: 'http://agent/livez', unixSocket: '/run/belay/observe.sock', contains: '"ok"' },
  'http-404': { kind: 'http', url: 'http://agent/nothing', unixSocket: '/run/belay/observe.sock' },
  tcp: { kind: 'tcp', host: '127.0.0.1', port: 22 },
  'http-over-tcp': { kind: 'http', url: 'http://127.0.0.1:22/' },
  'tcp-closed': { kind: 'tcp', host: '127.0.0.1', port: 1 },
  dns: { kind: 'dns', name: 'cinnabar.example', servers: ['127.0.0.1:5399'], timeoutSeconds: 10 },
  self: { kind: 'ssh', host: 'cinnabar' },
  peer: { kind: 'ssh', host: 'electrum', timeoutSeconds: 20 },
  stranger: { kind: 'ssh', host: '127.0.0.1' },
  mesh: {
    kind: 'mesh',
    peers: [{ host: 'electrum' }],
    back: { host: 'cinnabar' },
    warn: null,
    timeoutSeconds: 20
  },
  space: { kind: 'disk', path: '/mnt/small' },
  inodes: { kind: 'disk', path: '/mnt/small', of: 'inodes' },
  roots: { kind: 'gc-roots', warn: 50, fail: 60 },
  memory: { kind: 'memory' },
  'no-memory': { kind: 'memory', fail: 0 },
  load: { kind: 'load', warn: null },
  temperature: { kind: 'temperature' },
  time: { kind: 'time-sync' },
  secrets: {
    kind: 'secrets-present',
    secrets: [{ path: '/run/secret', owner: 'root', group: 'root', mode: '0400' }]
  },
  certificate: { kind: 'certificate-expiry', file: '/root/cert.pem' },
  drift: { kind: 'drift' },
  reboot: { kind: 'unexpected-reboot' }
}

const oneshot = (script: string) =>
  `[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c '${script}'\n`
const generation: Generation = {
  generation: 'checked',
  agent: 'bundle',
  agentConfig: { checks },
  services: { web: 'exec sleep infinity' },
  units: {
    'home-manager-alice.service': `${oneshot('true')}[Install]\nWantedBy=multi-user.target\n`,
    'broken.service': oneshot('exit 1'),
    'may-fail.service': oneshot('exit 1'),
    'slow.service': oneshot('sleep 600'),
    'restless.service': '[Service]\nRestart=always\nRestartSec=100ms\nExecStart=/bin/sleep infinity\n'
  }
}

t.test(
  'every kind passes and fails on real hosts',
  { skip: fleetUnavailable() ?? false, timeout: 900_000 },
  async (t) => {
    await using fleet = await startFleet({
      hosts: ['cinnabar', 'electrum'],
      operator: true,
      agent: realAgent(),
      generations: { cinnabar: generation, electrum: { generation: 'baseline', agent: 'bundle' } }
    })
    const host = fleet.host('cinnabar')
    for (const file of ['id_ed25519', 'known_hosts'])
      cpSync(join(fleet.operator.root, 'root/.ssh', file), join(host.root, 'root/.ssh', file))
    await sh(
      host,
      'useradd --create-home alice; mkdir -p /mnt/small; mount -t tmpfs -o size=1m,nr_inodes=100 small /mnt/small'
    )

    /** Runs a check and looks at what it says. */
    const says = async (t: Test, name: string, wanted: object) => {
      const state = await run(host, name)
      t.match(state, wanted, `${name}: ${state.result} ${state.message}`)
      return state
    }
    const passes = (t: Test, name: string, message = /./) => says(t, name, { result: 'pass', message })
    const fails = (t: Test, name: string, message = /./) => says(t, name, { result: 'fail', message })

    await t.test('units', async (t) => {
      await host.run(['systemctl', 'start', 'may-fail'])
      await passes(t, 'units')
      await host.run(['systemctl', 'start', 'broken'])
      await fails(t, 'units', /broken\.service/)
      await host.must(['systemctl', 'reset-failed', 'broken'])
      await passes(t, 'units')
      await passes(t, 'web')
      await host.must(['systemctl', 'stop', 'web'])
      await fails(t, 'web', /web\.service is inactive/)
      await passes(t, 'homes')
      await fails(t, 'no-homes', /bob.*does not exist/)
      await host.must(['systemctl', 'start', 'restless'])
      await says(t, 'restarts', { result: 'pass', value: 0 })
      for (const [count, result] of [
        [1, 'warn'],
        [2, 'fail']
      ] as const) {
        await host.must(['systemctl', 'kill', 'restless'])
        await host.waitFor(
          async () =>
            (await host.must(['systemctl', 'show', '-P', 'NRestarts', 'restless'])).trim() === String(count),
          'the restart'
        )
        await says(t, 'restarts', { result, value: count })
      }
      await passes(t, 'jobs')
      await host.must(['systemctl', 'start', '--no-block', 'slow'])
      await says(t, 'jobs', { result: 'pass', message: /1 jobs/ })
      await host.waitFor(async () => (await run(host, 'jobs')).result === 'fail', 'the job is stuck')
      await host.must(['systemctl', 'stop', 'slow'])
      await host.must(['systemctl', 'reset-failed', 'slow'])
      await passes(t, 'jobs')
    })

    await t.test('the log', async (t) => {
      await says(t, 'log', { result: 'pass', value: 0 })
      const lines = ['<3>an error', '<6>only information', '<6>a catastrophe', '<3>harmless', '<3>another']
      await host.must([...['systemd-run', '--wait', '--quiet', '--unit=noise', 'printf', '%s\\n'], ...lines])
      await host.waitFor(async () => (await run(host, 'log')).value === 3, 'three errors')
      await fails(t, 'log', /3 errors/)
    })

    await t.test('commands', async (t) => {
      await passes(t, 'flag')
      await sh(host, 'touch /run/flag')
      await fails(t, 'flag', /exited with 1/)
      await passes(t, 'who')
      await fails(t, 'nobody', /exited with 217/)
      await fails(t, 'missing', /Failed to find executable/)
      await passes(t, 'words')
      await sh(host, 'echo n=3 > /run/number')
      await says(t, 'number', { result: 'pass', value: 3 })
      await sh(host, 'echo n=7 > /run/number')
      await says(t, 'number', { result: 'warn', value: 7 })
      await sh(host, 'echo n=12 > /run/number')
      await says(t, 'number', { result: 'fail', value: 12 })
      const { value } = await says(t, 'speed', { result: 'pass', measures: 'duration', unit: 'seconds' })
      t.ok((value ?? 0) >= 0.3 && (value ?? 9) < 5, `${value} s`)
    })

    await t.test('what hangs, floods or leaves something behind is ended with all it started', async (t) => {
      const left = async () => (await host.run(['pgrep', '-fa', '^sleep 777'])).stdout
      await says(t, 'hangs', { result: 'unknown', message: /did not end within 1 s/ })
      await says(t, 'floods', { result: 'unknown', message: /wrote too much/ })
      await says(t, 'leaves', { result: 'pass', message: 'done' })
      await host.waitFor(async () => (await left()) === '', 'nothing is left')
      t.equal(await left(), '')
      await host.waitFor(
        async () =>
          !(await host.must(['systemctl', 'list-units', '--all', 'belay-check-*'])).includes('belay-check-'),
        'no unit is left'
      )
      await passes(t, 'units', /no unit has failed/)
      const slow = Array.from({ length: 4 }, () => run(host, 'hangs'))
      t.match(await host.run(['belay-agent', 'status']), { code: 0 }, 'the agent answers meanwhile')
      await Promise.all(slow)
    })

    await t.test('the network', async (t) => {
      await passes(t, 'http', /status 200/)
      await fails(t, 'http-404', /status 404, wanted 200/)
      await passes(t, 'tcp')
      await fails(t, 'tcp-closed', /ECONNREFUSED/)
      await fails(t, 'http-over-tcp', /Parse Error|ECONNRESET|socket hang up/)
      await fails(t, 'dns', /cinnabar\.example: (ECONNREFUSED|ETIMEOUT)/)
      await passes(t, 'self')
      await passes(t, 'peer')
      await fails(t, 'stranger', /[Hh]ost key/)
      const { value } = await passes(t, 'mesh')
      t.ok((value ?? 1) < 0.1, `${value} s to the peer`)
      await fleet.host('electrum').must(['nft', '-f', '-'], {
        input: `table inet cut {\nchain out {\ntype filter hook output priority 0;\ntcp dport 22 drop\n}\n}\n`
      })
      await fails(t, 'mesh', /electrum does not reach us/)
      await fleet.host('electrum').cutNetwork()
      await fails(t, 'mesh', /electrum: /)
      await fails(t, 'peer')
      await fleet.host('electrum').restoreNetwork()
    })

    await t.test('resources', async (t) => {
      await passes(t, 'space')
      await passes(t, 'inodes')
      await sh(host, 'head -c 1000000 /dev/zero > /mnt/small/full')
      await fails(t, 'space', /95\.\d % used|9\d\.\d % used/)
      await sh(host, 'rm /mnt/small/full; for i in $(seq 98); do : > /mnt/small/$i; done')
      await fails(t, 'inodes')
      await passes(t, 'roots')
      await sh(
        host,
        'mkdir /nix/var/nix/gcroots/many; for i in $(seq 60); do ln -s /nix/store /nix/var/nix/gcroots/many/$i; done'
      )
      await fails(t, 'roots')
      await passes(t, 'memory')
      await fails(t, 'no-memory')
      await passes(t, 'load')
      const { result } = await run(host, 'temperature')
      t.ok(['pass', 'unknown'].includes(result ?? ''), `temperature: ${result}`)
      await fails(t, 'time', /not synchronised/)
    })

    await t.test('secrets, certificates, drift', async (t) => {
      await fails(t, 'secrets', /missing/)
      await sh(host, 'echo x > /run/secret; chmod 400 /run/secret')
      await passes(t, 'secrets')
      await sh(host, 'chmod 444 /run/secret')
      await fails(t, 'secrets', /mode 0444, wanted 0400/)
      for (const [days, result] of [
        ['90', 'pass'],
        ['10', 'warn'],
        ['3', 'fail']
      ] as const) {
        const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/dev/null']
        const subject = ['-subj', '/CN=cinnabar.example', '-days', days]
        const argv = ['openssl', 'req', '-x509', ...key, ...subject]
        const { stdout } = await mustRun(argv, { timeoutMs: 20_000 })
        await host.must(['sh', '-c', 'cat > /root/cert.pem'], { input: stdout })
        await says(t, 'certificate', { result, message: /valid until/ })
      }
      await passes(t, 'drift')
      const running = (await truthOf(host)).running
      await sh(
        host,
        'ln -sfn /var/empty /run/current-system.new; mv -T /run/current-system.new /run/current-system'
      )
      const agent = `${running}/sw/bin/belay-agent`
      const drifted = await host.run([agent, '--json', 'check', 'run', 'drift'])
      t.match(JSON.parse(drifted.stdout), { result: /fail|unknown/ })
      await host.must(['ln', '-sfn', running, '/run/current-system'])
      await passes(t, 'drift')
    })

    await t.test('a reboot that nobody asked for', async (t) => {
      await passes(t, 'reboot')
      const { since } = await run(host, 'no-homes')
      await host.must(['systemctl', 'restart', 'belay-agent'])
      t.equal((await run(host, 'no-homes')).since, since, 'the agent remembers since when a check fails')
      await host.run(['systemctl', 'reboot'])
      await host.whenOff()
      await host.boot()
      const ofLastBoot = ['journalctl', '--boot=-1', '--unit=belay-agent', '--output=cat']
      const last = (await host.run(ofLastBoot)).stdout.trim().split('\n').slice(-5).join(' ')
      t.match(last, '"goesDown":true', `the agent's last words: ${last}`)
      await passes(t, 'reboot')
      await host.run(['sync'])
      await host.powerCut()
      await host.boot()
      await fails(t, 'reboot', /went down by itself/)
    })

    await t.test('metrics and the table', async (t) => {
      const scrape = ['curl', '-s', '--unix-socket', '/run/belay/observe.sock', 'http://agent/metrics']
      const text = await host.must(scrape)
      t.match(text, /^belay_agent_check_result\{check="reboot",result="fail"\} 1$/m)
      t.match(text, /^belay_agent_check_failing\{check="reboot",severity="major"\} 1$/m)
      const lint = await runCommand(['promtool', 'check', 'metrics'], {
        timeoutMs: 20_000,
        input: `${text}\n`
      })
      t.match(lint, { code: 0, stderr: '' })
      const table = await host.run(['belay-agent', 'checks'])
      t.equal(table.code, 1, 'something is failing')
      t.match(table.stdout, /^reboot +fail +major +1 reboots/m)
      t.match(table.stdout, `${Object.keys(checks).length} checks:`)
      t.match(await host.run(['belay-agent', '--json', 'check', 'run', 'nothing']), {
        code: 1,
        stdout: /check-unknown/
      })
    })
  }
)

t.test('checks vote on an activation', { skip: fleetUnavailable() ?? false, timeout: 900_000 }, async (t) => {
  const voting = {
    app: { kind: 'command', argv: ['sh', '-c', '! test -e /etc/breaks-it'], severity: 'critical' },
    old: { kind: 'command', argv: ['false'], severity: 'critical' },
    blind: { kind: 'command', argv: ['sleep', '60'], severity: 'critical', timeoutSeconds: 1 },
    minor: {
      kind: 'command',
      argv: ['sh', '-c', '! test -e /etc/changed'],
      severity: 'minor',
      schedule: '* * * * *'
    }
  }
  const next = (label: string, files: Record<string, string> = {}): Generation => ({
    generation: label,
    agent: 'bundle',
    agentConfig: { checks: voting },
    files
  })
  await using fleet = await startFleet({
    hosts: ['cinnabar'],
    operator: true,
    agent: realAgent(),
    generations: { cinnabar: next('baseline') }
  })
  const host = fleet.host('cinnabar')
  const before = await truthOf(host)
  const activate = async (generation: Generation) => {
    fleet.writeGenerations({ cinnabar: generation })
    return host.run(['belay-agent', 'activate', await fleet.push('cinnabar'), '--auto-confirm'])
  }
  const broken = await activate(next('breaks', { 'etc/breaks-it': 'x' }))
  t.equal(broken.code, 1)
  t.match(broken.stdout, /worse since the activation: check app: exited with 1/)
  t.notMatch(broken.stdout, /check (old|blind|minor)/)
  t.same(await truthOf(host), before, 'the baseline runs again')
  t.equal((await journalOf(host)).phases.at(-1), 'rolled-back')

  const good = await activate(next('good', { 'etc/changed': 'x' }))
  t.equal(good.code, 0, good.stdout + good.stderr)
  t.equal((await journalOf(host)).phases.at(-1), 'committed', 'what failed before does not block')
  const journal = await sh(host, 'cat /var/lib/belay/operations/*/journal.jsonl')
  t.match(journal, '"checks":{"app":"pass","blind":"unknown","old":"fail"}')

  const stateOf = async (name: string) => {
    const list = await host.run(['belay-agent', '--json', 'checks'])
    return (JSON.parse(list.stdout) as { checks: CheckState[] }).checks.find((each) => each.name === name)
  }
  const begun = new Date().toISOString()
  const onTheMinute = async () => {
    const { ranAt } = (await stateOf('minor')) ?? {}
    return typeof ranAt === 'string' && ranAt > begun && /:0[0-4]\.\d+Z$/.test(ranAt)
  }
  await host.waitFor(onTheMinute, 'the schedule is kept')
  t.match(await stateOf('old'), { result: 'fail' }, 'what had never run did so soon after the start')
})
