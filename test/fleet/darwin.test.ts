import type { Test } from 'tap'
import t from 'tap'
import { Mac } from '../darwin/mac.ts'
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
  await mac.waitFor('the baseline', is, 30_000).catch(() => {})
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
    // What the stand-in has not: plutil, newsyslog, mv of BSD.
    const is = (claim: string) => /^(the property lists|newsyslog|mv )/.test(claim)
    t.same(
      rows.filter(([claim, found]) => found === 'NO' && !is(claim)),
      [],
      stdout
    )
    t.ok(rows.filter(([, found]) => found === 'yes').length >= 15)
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
    const rescue = await mac.run(['belay-agent', 'rescue'])
    t.match(rescue, { code: 1, stderr: /not-on-this-platform/ })
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

  await t.test('confirmed over a new connection: committed, with its own agent’s list changed', async (t) => {
    const good = await mac.build(
      candidate('good', {
        agentPlistEdit: 's/<integer>30</<integer>31</',
        config: { ...config, preflight: { userSessionSeconds: 60 } }
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
})
