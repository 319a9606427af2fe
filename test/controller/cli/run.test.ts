import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import type { Story } from '../fakes/agent.ts'
import { fakeAgent } from '../fakes/agent.ts'
import { fakeClock } from '../fakes/clock.ts'
import { storePath } from '../fakes/fleet-host.ts'
import { fakeRun } from '../fakes/run.ts'
import { noLeaks } from '../fakes/scan.ts'
import { runBelay } from './run-belay.ts'

interface Given {
  readonly story?: Story
  readonly nix?: Parameters<typeof fakeRun>[0]
  readonly isTty?: boolean
  readonly signal?: AbortSignal
}

const built = { stdout: JSON.stringify([{ outputs: { out: storePath('b') } }]) }

/** Runs one command line against a fleet of one host. */
async function belay(t: Test, line: string, given: Given = {}) {
  const file = join(t.testdir({}), 'fleet.yaml')
  writeFileSync(file, 'version: 1\nhosts: { cinnabar: {} }\n')
  const agent = fakeAgent(given.story)
  t.teardown(agent.close)
  const nix = fakeRun(given.nix ?? built)
  const { code, out, err } = await runBelay(
    ['-f', file, ...line.split(' ')],
    {
      run: nix.run,
      openTunnel: agent.openTunnel,
      clock: fakeClock(),
      newKey: () => 'key',
      scan: noLeaks,
      signal: given.signal ?? new AbortController().signal
    },
    given.isTty ?? false
  )
  return { code, out, err, agent, nix }
}

t.test('deploy builds, pushes, confirms, and exits with 0', async (t) => {
  const { code, out, nix } = await belay(t, 'deploy --reason test')
  t.equal(code, 0)
  t.match(out, /cinnabar {2}building/)
  t.match(out, /cinnabar {2}confirming/)
  t.match(out, '1 of 1 host runs the new generation.')
  t.same(
    nix.calls.map((call) => call.argv[3]),
    ['build', 'copy']
  )
})

t.test('a person deploys outside of windows with a reason, and only when told to', async (t) => {
  const usual = await belay(t, 'deploy --reason test')
  t.notOk('outsideWindow' in (usual.agent.seen.starts[0]?.body ?? {}))
  const { code, agent } = await belay(t, 'deploy --outside-window --reason urgent')
  t.equal(code, 0)
  t.match(agent.seen.starts, [{ body: { outsideWindow: true, reason: 'urgent' } }])
})

t.test('with --json a wrong command line is an error in JSON too', async (t) => {
  for (const line of ['deploy --bogus --json', '--json approve', 'nonsense --json']) {
    const { code, out, err } = await belay(t, line)
    t.equal(code, 2, line)
    t.match(JSON.parse(out), { type: 'error', error: { code: 'invalid-request', message: /^[a-z]/ } })
    t.equal(err, '')
  }
  t.match(await belay(t, 'deploy --bogus'), { code: 2, out: '', err: /unknown option/ })
})

t.test('deploy --json prints one JSON value per line, the summary last', async (t) => {
  const { code, out, err } = await belay(
    t,
    `deploy --json --no-build --no-push --path cinnabar=${storePath('b')}`
  )
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.equal(code, 0)
  t.equal(err, '')
  t.match(lines.at(-1), { type: 'summary', ok: true, results: [{ host: 'cinnabar', outcome: 'committed' }] })
})

t.test('a host that comes back makes deploy exit with 1, on a terminal too', async (t) => {
  const story: Story = { before: ['activating', 'rolling-back', 'rolled-back'] }
  const { code, out } = await belay(t, 'deploy', { story, isTty: true })
  t.equal(code, 1)
  t.match(out, '\u001b[?25h', 'the cursor is back')
  t.match(out, /cinnabar {2}↩ rolled-back/)
})

t.test('build and push show their results, as a table or as JSON', async (t) => {
  const good = await belay(t, 'build')
  t.equal(good.code, 0)
  t.match(good.out, /cinnabar {2}✔ built {2}0s {4}\/nix\/store\/bbb/)
  const json = await belay(t, 'build --json')
  t.match(JSON.parse(json.out), { hosts: [{ host: 'cinnabar', ok: true, storePath: storePath('b') }] })
  const bad = await belay(t, 'build', { nix: { code: 1, stderr: 'error: syntax' } })
  t.equal(bad.code, 1)
  t.match(bad.out, /✖ build-failed/)
  t.match(bad.out, 'error: syntax')
  t.match((await belay(t, 'push')).out, /✔ pushed/)
})

t.test('plan builds, pushes, asks, and starts nothing', async (t) => {
  const { code, out, nix, agent } = await belay(t, 'plan --diff')
  t.equal(code, 0)
  t.match(out, /^cinnabar {2}plan [0-9a-f]{12}\n/)
  t.same(
    nix.calls.map((call) => call.argv[3]),
    ['build', 'copy']
  )
  t.same(agent.seen.previews, [{ storePath: storePath('b'), files: true, dryActivate: false }])
  t.same(agent.seen.starts, [])
  t.equal(agent.seen.open, 0, 'every tunnel is closed')
  const given = `--no-build --no-push --path cinnabar=${storePath('b')}`
  const again = await belay(t, `plan --json --dry-activate ${given}`)
  t.match(JSON.parse(again.out), { hosts: [{ host: 'cinnabar', ok: true, plan: { to: storePath('b') } }] })
  t.match(again.agent.seen.previews, [{ dryActivate: true }])
  t.same(again.nix.calls, [])
  t.match((await belay(t, `plan --markdown ${given}`)).out, /^### cinnabar: nothing changes\n/)
})

t.test('a host without a plan says why, and makes plan exit with 1', async (t) => {
  const story: Story = { noPlan: 'wrong-host' }
  const { code, out } = await belay(t, 'plan', { story })
  t.equal(code, 1)
  t.match(out, /cinnabar {2}no plan: wrong-host\n {2}because of wrong-host/)
  t.match((await belay(t, 'plan --markdown', { story })).out, /### cinnabar: no plan \(wrong-host\)/)
})

t.test('status, schema and completion', async (t) => {
  t.match(JSON.parse((await belay(t, 'status --json')).out), { hosts: [{ reachable: true }] })
  t.match((await belay(t, 'status')).out, /^HOST/)
  t.match(JSON.parse((await belay(t, 'schema')).out), { required: ['version'] })
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, out } = await belay(t, `completion ${shell}`)
    t.equal(code, 0)
    t.match(out, 'max-parallel')
  }
})

t.test('what is wrong with the command line exits with 2 and touches nothing', async (t) => {
  const cases: [string, RegExp][] = [
    ['dploy', /Did you mean deploy/],
    ['deploy --window 1s', /Wanted a time/],
    ['deploy --host cinabar', /Did you mean cinnabar\? \[invalid-request\]/],
    ['deploy --outside-window', /needs --reason.*\[invalid-request\]/],
    ['deploy --no-build', /missing: --path cinnabar=/],
    ['deploy --path cinnabar=/tmp/x', /\[invalid-store-path\]/],
    [`deploy --path x=${storePath('b')}`, /not among what is selected/],
    ['status -f /nowhere.yaml', /there is no such file.*\[invalid-fleet-file\]/],
    ['completion tcsh', /Allowed choices/]
  ]
  for (const [line, message] of cases) {
    const { code, err, agent, nix } = await belay(t, line)
    t.equal(code, 2, line)
    t.match(err, message, line)
    t.equal(agent.seen.tunnels + nix.calls.length, 0)
  }
  const { out } = await belay(t, 'status --json -f /nowhere.yaml')
  t.match(JSON.parse(out), { type: 'error', error: { code: 'invalid-fleet-file' } })
})

t.test('help and version exit with 0, an interruption with 130', async (t) => {
  const help = await belay(t, 'deploy --help')
  t.equal(help.code, 0)
  t.match(help.out, 'Examples:')
  t.match((await belay(t, '--version')).out, '0.1.0')
  t.equal((await belay(t, 'deploy', { signal: AbortSignal.abort() })).code, 130)
  t.equal((await belay(t, 'status', { signal: AbortSignal.abort() })).code, 130)
})

t.test('approving: what is wrong with the command line exits with 2 and touches nothing', async (t) => {
  const good = `--plan ${'a'.repeat(64)} --path ${storePath('b')}`
  const cases: [string, RegExp][] = [
    ['approve', /required option '--plan/],
    ['approve cinnabar', /--plan/],
    [`approve cinabar ${good}`, /Did you mean cinnabar\?/],
    [`approve cinnabar --plan abc --path ${storePath('b')}`, /--plan: .*wanted the hash/],
    [`approve cinnabar --plan ${'a'.repeat(64)} --path /tmp/x`, /\[invalid-store-path\]/],
    [`approve cinnabar ${good} --expires 40d`, /from 1m to 30d/],
    [`approve cinnabar ${good} --revision -1`, /whole number/],
    [`approve cinnabar ${good} --key /nowhere`, /there is no key \/nowhere/],
    ['approvals revoke cinnabar --reason no', /missing required argument/],
    ['approvals revoke cinnabar x', /--reason/]
  ]
  for (const [line, message] of cases) {
    const { code, err, agent } = await belay(t, line)
    t.equal(code, 2, line)
    t.match(err, message, line)
    t.equal(agent.seen.tunnels, 0)
  }
})
