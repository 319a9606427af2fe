import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Test } from 'tap'
import t from 'tap'
import { RUNNER_LABEL } from '../../agent/platform/darwin/jobs.ts'
import { writePlist } from '../../agent/platform/darwin/plist.ts'
import type { Collected } from '../../agent/retention/gc.ts'
import { Mac } from '../darwin/mac.ts'
import { belayArgv, equipOperator, NAME, writeSystem } from '../darwin/operator.ts'
import type { System } from '../darwin/system.ts'
import { hasEnded, journalOf, lastMove, truthOf } from '../darwin/truth.ts'
import { fleetUnavailable } from './root.ts'

/**
 * nix-darwin on a stand-in for a Mac: launchd is test/darwin/launchd.ts, all else that matters is real (processes, Nix,
 * profiles, files, reboots). What only a real Mac can tell is in docs/darwin-acceptance.md.
 */
const skip = fleetUnavailable() ?? false
const web = { 'org.nixos.web': 'exec sleep 100000' }
const config = { limits: { agentSeconds: 8, activationSeconds: 30 } }
const closed = { kind: 'tcp', host: '127.0.0.1', port: 1, severity: 'critical' }
const baseline: System = { label: 'baseline', daemons: web, files: { 'etc/greeting': 'baseline\n' }, config }
const candidate = (label: string, more: Partial<System> = {}): System => ({
  label,
  daemons: { 'org.nixos.db': 'exec sleep 100000' },
  files: { 'etc/greeting': `${label}\n` },
  config,
  ...more
})
const own = ['org.nixos.activate-system.plist', 'org.nixos.belay-agent.plist']

/** All is as it was: links, files, jobs, and nothing of the operation left; what is just being started may take a moment. */
async function isAsBefore(t: Test, mac: Mac, before: Awaited<ReturnType<typeof truthOf>>): Promise<void> {
  const is = async () => JSON.stringify(await truthOf(mac)) === JSON.stringify(before)
  await mac.waitFor('the baseline', is).catch(() => {})
  t.same(await truthOf(mac), before)
  await mac.whenAnswering()
}

t.test('stories on a Mac', { skip, timeout: 900_000 }, async (t) => {
  await using mac = await Mac.start(baseline)
  const before = await truthOf(mac)
  t.match(before, { daemons: [...own, 'org.nixos.web.plist'], guards: [], greeting: 'baseline' })
  const ended = () => mac.waitFor('the end of the operation', () => hasEnded(mac))
  /** All as before: links, files, jobs, and nothing of the operation left. */
  const isBaseline = async (t: Test) => {
    await isAsBefore(t, mac, before)
  }

  await t.test('the script for a real Mac finds of the stand-in what it plays', async (t) => {
    const script = ['/opt/belay/checkout/scripts/darwin-acceptance.sh', '--jobs']
    const { stdout } = await mac.run(['env', 'BELAY_ACCEPTANCE_ANYWHERE=1', 'sh', ...script])
    const rows = stdout.split('\n').flatMap((line) => {
      const [, claim = '', found = ''] = /^\| (.+?) \| (yes|NO|not tried) \|/.exec(line) ?? []
      return claim === '' ? [] : [[claim, found] as const]
    })
    // What the stand-in has not: plutil, newsyslog, mv of BSD, a log of launchd.
    const is = (claim: string) => /^(the property lists|newsyslog|mv |the log of launchd)/.test(claim)
    t.same(
      rows.filter(([claim, found]) => found === 'NO' && !is(claim)),
      [],
      stdout
    )
    t.ok(rows.filter(([, found]) => found === 'yes').length >= 15)
  })

  await t.test('the default checks pass', async (t) => {
    for (const name of [
      'memory',
      'load',
      'time-sync',
      'unexpected-reboot',
      'drift',
      'log-errors',
      'failed-units'
    ]) {
      const { result, message } = await mac.agent('operate').runCheck(name)
      t.match(result, /pass|warn/, `${name}: ${message}`)
    }
  })

  await t.test('nobody confirms: the baseline comes back by itself', async (t) => {
    await mac.activate(await mac.build(candidate('unconfirmed')), '--window', '5')
    await mac.waitFor('the window', () => journalOf(mac).some(({ type }) => type === 'window-opened'))
    t.match(await truthOf(mac), { greeting: 'unconfirmed', profile: before.profile }, 'the profile waits')
    await ended()
    t.match(lastMove(mac), { to: 'rolled-back', code: 'confirm-timeout' })
    await isBaseline(t)
  })

  await t.test('an agent is missing in the candidate: refused', async (t) => {
    const { code, stderr } = await mac.run([
      'belay-agent',
      'activate',
      await mac.build(candidate('bare', { agent: null }))
    ])
    t.equal(code, 1)
    t.match(stderr, /agent-missing/)
    await isBaseline(t)
  })

  await t.test('nobody is at the screen: refused, or waited for', async (t) => {
    await mac.login(0)
    // And macOS does not let the agent write to applications.
    const apps = '/Applications/Nix Apps'
    await mac.must(['mkdir', '-p', `${apps}/Old.app`])
    for (const how of ['--bind', '--options=remount,bind,ro']) await mac.must(['mount', how, apps, apps])
    const personal = { 'org.nixos.personal': 'exec sleep 100000' }
    const refused = await mac.build(candidate('refused', { userAgents: personal }))
    await mac.activate(refused, '--auto-confirm')
    await ended()
    t.match(lastMove(mac), {
      to: 'refused',
      code: 'no-user-session',
      reason: /nobody is logged in.*log in at the screen.*also: app-management/
    })
    await mac.must(['umount', apps])
    await mac.must(['rm', '-r', apps])
    await isBaseline(t)
    await mac.login(501)
  })

  await t.test('generations are deleted by the rule of the configuration', async (t) => {
    const numbers = async () => {
      const links = await mac.must(['sh', '-c', 'ls -d /nix/var/nix/profiles/system-*-link'])
      return links.split('\n').map((link) => Number(/-(\d+)-link$/.exec(link)?.[1]))
    }
    for (const label of ['one', 'two', 'three', 'four', 'five', 'six']) {
      const other = await mac.build({ ...baseline, label })
      await mac.must(['nix-env', '-p', '/nix/var/nix/profiles/system', '--set', other])
    }
    // The newest by number stay, and by name what runs and what the profile names.
    await mac.must(['ln', '-sfn', 'system-1-link', '/nix/var/nix/profiles/system'])
    const all = await numbers()
    await mac.must(['sh', '-c', `echo '{"retention":{"keep":5,"days":0}}' >/root/rule.json`])
    const gc = ['belay-agent', '--json', '--config', '/root/rule.json', 'gc']
    const planned = JSON.parse(await mac.must([...gc, '--dry-run'])) as Collected
    t.same((await numbers()).length, all.length, 'only said')
    const going = planned.generations.flatMap(({ number, keep }) => (keep ? [] : [number]))
    t.same(going, [2])
    t.match(planned.generations[0], { number: 1, reasons: ['profile', 'running'] })
    // As the schedule of the agent begins it.
    const begin = `process.argv[1] = '/opt/belay/checkout/agent/main.ts'; process.execArgv = []
      const { startRetention } = await import('/opt/belay/checkout/agent/platform/darwin/retention.ts')
      await startRetention('/root/rule.json')`
    await mac.must(['/opt/belay/node', '--input-type=module', '--eval', begin])
    const left = all.filter((number) => !going.includes(number)).sort()
    const isDone = async () => JSON.stringify((await numbers()).sort()) === JSON.stringify(left)
    await mac.waitFor('the retention', isDone)
    const again = JSON.parse(await mac.must(gc)) as Collected
    t.match(again, { deleted: [], boot: 'unchanged' })
    t.match(await truthOf(mac), { running: before.running, profile: before.profile })
  })

  await t.test('a drill: what runs is activated once more, and proven', async (t) => {
    // A runner that is still there when its operation is over keeps nobody out.
    const operations = '/var/lib/belay/operations'
    const newest = (await mac.must(['sh', '-c', `ls ${operations} | tail -n 1`])).trim()
    const plist = `${operations}/${newest}/runner.plist`
    const lingers = { Label: RUNNER_LABEL, ProgramArguments: ['/bin/sleep', '100000'], RunAtLoad: true }
    writeFileSync(`${mac.root}${plist}`, writePlist(lingers), { mode: 0o644 })
    await mac.run(['launchctl', 'bootout', `system/${RUNNER_LABEL}`])
    await mac.must(['launchctl', 'bootstrap', 'system', plist])
    t.same((await truthOf(mac)).operation, [RUNNER_LABEL])
    const { code, stdout, stderr } = await mac.run(['belay-agent', 'drill'])
    t.equal(code, 0, `${stdout}${stderr}`)
    t.match(lastMove(mac), { to: 'committed' })
  })

  const broken = '/root/fixture-broken'
  /** An operation whose way back fails, again and again. */
  const getStuck = async (label: string) => {
    await mac.must(['sh', '-c', `mkdir -p ${broken} && echo 1000 >${broken}/baseline`])
    await mac.activate(await mac.build(candidate(label, { failAt: 'postActivation' })), '--auto-confirm')
    await mac.waitFor('that it is stuck', () => lastMove(mac)?.to === 'stuck')
  }
  const agentGone = async () => {
    await mac.must([
      'sh',
      '-c',
      'launchctl bootout system/org.nixos.belay-agent; launchctl bootout system/org.belay.operation'
    ])
  }

  await t.test(
    'stuck: said at login; with Node, agent and runner gone rescue.sh brings the host back',
    async (t) => {
      await getStuck('stuck')
      const message = `${mac.root}/private/var/run/motd.d/belay`
      await mac.waitFor('the message at login', () => existsSync(message))
      t.match(readFileSync(message, 'utf8'), /needs a person[\s\S]*sh \/var\/lib\/belay\/rescue\.sh/)
      await agentGone()
      await mac.must(['mount', '--bind', '/dev/null', '/opt/belay/node'])
      await mac.must(['rm', '-r', broken])
      const { code, stdout, stderr } = await mac.run(['sh', '/var/lib/belay/rescue.sh'])
      t.equal(code, 0, `${stdout}${stderr}`)
      t.match(stdout, /it runs\nrescue: it is what a boot brings/)
      t.match(await truthOf(mac), {
        running: before.running,
        profile: before.profile,
        daemons: before.daemons,
        guards: []
      })
      await mac.must(['umount', '/opt/belay/node'])
      await ended()
      t.match(lastMove(mac), { to: 'rolled-back' })
      await isBaseline(t)
      await mac.waitFor('the message to go', () => !existsSync(message))
      await mac.run(['belay-agent', 'release'])
    }
  )

  await t.test('stuck: belay-agent rescue shows the way, and goes it', async (t) => {
    await getStuck('stuck-again')
    await agentGone()
    await mac.must(['rm', '-r', broken])
    const shown = await mac.must(['belay-agent', 'rescue'])
    t.match(shown, /is stuck[\s\S]*launchctl bootout[\s\S]*ln -sfn system-\d+-link[\s\S]*\/activate/)
    const { code, stdout, stderr } = await mac.run(['belay-agent', 'rescue', '--run'])
    t.equal(code, 0, `${stdout}${stderr}`)
    t.match(stdout, /This host is back/)
    t.match(await truthOf(mac), { running: before.running, profile: before.profile, daemons: before.daemons })
    await ended()
    t.match(lastMove(mac), { to: 'rolled-back' })
    await isBaseline(t)
  })

  await t.test('confirmed over a new connection: committed, with its own agent’s list changed', async (t) => {
    const good = await mac.build(
      candidate('good', {
        agentPlistEdit: 's/<integer>30</<integer>31</',
        config: { ...config, checks: { closed }, preflight: { userSessionSeconds: 60 } }
      })
    )
    await mac.activate(good, '--window', '60')
    await mac.waitFor('the window', () => journalOf(mac).some(({ type }) => type === 'window-opened'))
    t.equal((await mac.run(['belay-agent', 'confirm'])).code, 0)
    t.match(lastMove(mac), { to: 'committed' })
    await mac.waitFor('the guard to be gone', async () => (await truthOf(mac)).guards.length === 0)
    t.match(await truthOf(mac), {
      ...{ running: good, profile: good, greeting: 'good', daemons: [...own, 'org.nixos.db.plist'] },
      jobs: ['org.nixos.belay-agent', 'org.nixos.db']
    })
  })

  await t.test('a check of the network looks as another user', async (t) => {
    t.match(await mac.agent('operate').runCheck('closed'), { result: 'fail', message: /ECONNREFUSED/ })
    const { stdout } = await mac.run(['sh', '-c', 'ps -eo args | grep [n]etwork-half'])
    t.match(stdout, /network-half\.js$/m, 'in a process of its own')
  })

  await t.test('built by a flake and deployed over ssh', async (t) => {
    await equipOperator(mac, 60)
    writeSystem(mac, candidate('deployed'))
    const built = await mac.must(belayArgv('--json', 'build', '--host', NAME), 120_000)
    t.match(built, /darwin-system-deployed/)
    const { code, stdout } = await mac.run(belayArgv('deploy', '--host', NAME), 120_000)
    t.equal(code, 0, stdout)
    t.match(lastMove(mac), { to: 'committed' })
    t.match(await truthOf(mac), { running: /darwin-system-deployed$/, greeting: 'deployed' })
    t.match(await mac.must(belayArgv('status')), /stibnite +yes/)
  })
})
