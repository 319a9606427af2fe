import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Story } from '../fakes/agent.ts'
import { storePath } from '../fakes/fleet-host.ts'
import { operator, plain, staged } from './operator.ts'

t.test('plan prints stages and reasons, and begins nothing', async (t) => {
  const { rollout, agent } = operator(t)
  const { code, out } = await rollout('plan')
  t.equal(code, 0)
  t.match(out, /^rollout r-[0-9a-f]{12} {2}revision \d+, 1 hosts, at most 8 at the same time\n/)
  t.match(
    out,
    /1\. step-1 {2}derived from the order\n {3}1 at a time\n {5}cinnabar .* plan [0-9a-f]{12} .* nothing comes before it/
  )
  t.equal(agent.seen.previews.length, 1, 'the host was asked for its plan')
  t.same(agent.seen.starts, [])
  t.match(await rollout('plan', '--no-preview'), { code: 0, out: /plan not read/ })
  t.equal(agent.seen.previews.length, 1)
})

t.test('homes that move with the system are in the plan, each with its own plan of the host', async (t) => {
  const fleet = 'version: 1\nhosts: { cinnabar: { homes: { alice: { withSystem: true }, bob: {} } } }\n'
  const { rollout, agent } = operator(t, fleet)
  const hosts = async (...args: string[]) => JSON.parse((await rollout('plan', '--json', ...args)).out).hosts
  const hash = /^[0-9a-f]{64}$/
  t.match(await hosts(), [
    { planHash: hash, homes: [{ user: 'alice', storePath: storePath('b'), planHash: hash }] }
  ])
  t.equal(agent.seen.previews.length, 2)
  t.match((await rollout('plan')).out, /alice@cinnabar {2}.* plan [0-9a-f]{12} .*with the system of cinnabar/)
  t.notOk('homes' in (await hosts('--no-homes'))[0])
  const stages = 'rollout: { stages: [{ name: all, select: {}, mode: boot }] }\n'
  const booted = JSON.parse((await operator(t, fleet + stages).rollout('plan', '--json')).out).hosts[0]
  t.notOk('homes' in booted)
  t.match(booted.why.at(-1), /its homes stay as they are: none moves with mode boot/)
})

t.test('start drives to the end, and what is done is not done again', async (t) => {
  const { rollout, agent } = operator(t, plain, { running: storePath('b') })
  const { code, out } = await rollout('start')
  t.equal(code, 0)
  t.match(out, /stage step-1 has passed\n/)
  t.match(out, /rollout r-.* {2}revision \d+ {2}done\n✔ step-1 {2}1\/1\n {3}✔ cinnabar {2}done\n$/)
  t.same(agent.seen.starts, [])
  t.match(await rollout('status'), { code: 0, out: /done/ })
  t.match(await rollout('drive'), { code: 2, err: /no rollout is under way/ })
})

t.test('a host that goes back halts it, under its key; status says why, retry is recorded', async (t) => {
  const story: Story = { before: ['activating', 'rolling-back', 'rolled-back'] }
  const { rollout, agent, belay } = operator(t, plain, story)
  const { code, out } = await rollout('start')
  t.equal(code, 1)
  t.match(out, /halted, needs a person/)
  t.match(out, /✖ cinnabar {2}rolled-back .*now rolled-back → belay rollout retry cinnabar/)
  t.match(agent.seen.starts, [{ key: /^rollout\/r-[0-9a-f]{12}\/cinnabar\/1$/ }])
  const report = JSON.parse((await rollout('status', '--json')).out)
  t.match(report, {
    status: { is: 'halted', needs: 'person' },
    hosts: [{ host: 'cinnabar', reason: { code: 'rolled-back', since: /^\d{4}-/, unblock: /retry/ } }],
    records: [{ event: { kind: 'created' } }, { event: { kind: 'started' } }, { event: { kind: 'failed' } }]
  })
  t.match(await rollout('retry', '--reason', 'mended'), { code: 0, out: /retry cinnabar\n/ })
  const records = JSON.parse((await rollout('status', '--json')).out).records
  t.match(records.at(-1), { why: 'mended', who: /@/, event: { kind: 'retried', operation: 'op-1' } })
  t.match(await belay('rollout', 'nonsense'), { code: 2 })
})

t.test('a stage waits for a person, and the same start goes on with it', async (t) => {
  const { rollout, agent } = operator(t, plain + staged)
  const first = await rollout('start', '--json')
  t.equal(first.code, 5)
  const lines = first.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.match(lines.at(-1), { type: 'summary', hosts: [{ reason: { code: 'waiting-for-approval' } }] })
  t.same(agent.seen.starts, [])
  t.match(await rollout('approve', 'al'), { code: 2, err: /Did you mean all\?/ })
  t.match(await rollout('approve', 'all'), { code: 0 })
  await rollout('start')
  t.equal(agent.seen.starts.length, 1)
})

t.test('what people say is checked, and ends with the rollout', async (t) => {
  const { rollout } = operator(t, plain + staged)
  t.match(await rollout('pause'), { code: 2, err: /there has been no rollout yet/ })
  await rollout('start')
  t.match(await rollout('skip', 'cinnabar'), { code: 2, err: /skip needs --reason/ })
  t.match(await rollout('skip', 'cinabar', '--reason', 'x'), { code: 2, err: /Did you mean cinnabar/ })
  t.match(await rollout('retry'), { code: 2, err: /has regressed/ })
  t.match(await rollout('pause'), { code: 0 })
  t.match(await rollout('drive'), { code: 5, out: /paused/ })
  t.match(await rollout('resume'), { code: 0 })
  t.match(await rollout('abort', '--reason', 'not today'), { code: 0 })
  t.match(await rollout('status'), { code: 1, out: /aborted/ })
  t.match(await rollout('resume'), { code: 2, err: /has ended: aborted/ })
  t.match(await rollout('status', '--rollout', 'r-000000000000'), { code: 2, err: /no rollout "r-0/ })
})

t.test('another plan takes over only with --supersede; a plan file is driven as it is', async (t) => {
  const { rollout, directory } = operator(t, plain + staged)
  const file = join(directory, 'plan.json')
  writeFileSync(file, (await rollout('plan', '--json')).out)
  const plan = JSON.parse(readFileSync(file, 'utf8'))
  t.equal((await rollout('start', '--plan', file)).code, 5)
  t.match(JSON.parse((await rollout('status', '--json')).out), { plan: { id: plan.id } })
  const other = ['--no-build', '--path', `cinnabar=${storePath('c')}`]
  t.match(await rollout('start', ...other), { code: 2, err: /has not ended.*--supersede/ })
  t.match(await rollout('start', ...other, '--supersede'), { code: 5 })
  t.match(await rollout('status', '--rollout', plan.id), { code: 1, out: /superseded/ })
  t.match(await rollout('start', '--plan', file), { code: 2, err: /has ended; make a new plan/ })
  writeFileSync(file, JSON.stringify({ ...plan, maxParallel: 99 }))
  t.match(await rollout('start', '--plan', file), { code: 2, err: /was changed after it was made/ })
  writeFileSync(file, JSON.stringify({ ...plan, extra: 1 }))
  t.match(await rollout('start', '--plan', file), { code: 2, err: /unknown field "extra"/ })
  writeFileSync(file, '{')
  t.match(await rollout('start', '--plan', file), { code: 2, err: /is not JSON/ })
})

t.test('a host that is away keeps it open; a hold is read when it is driven', async (t) => {
  const fleet = 'version: 1\nhosts: { cinnabar: { presence: intermittent } }\n'
  const { rollout, file, down, agent } = operator(t, fleet)
  down.add('cinnabar')
  t.match(await rollout('start', '--wait', '1s'), { code: 5, out: /away.*no route → its return/ })
  down.clear()
  writeFileSync(file, 'version: 1\nhosts: { cinnabar: { hold: { reason: its owner travels } } }\n')
  t.match(await rollout('drive', '--wait', '1s'), { code: 5, out: /held.*its owner travels/ })
  t.same(agent.seen.starts, [])
})

t.test('inventory shows each fact with its source', async (t) => {
  const { belay } = operator(
    t,
    'version: 1\ndefaults: { presence: intermittent }\nhosts: { cinnabar: { roles: [web] } }\n'
  )
  const { code, out } = await belay('inventory')
  t.equal(code, 0)
  t.match(out, /roles +fleet file +web/)
  t.match(out, /presence +defaults +intermittent/)
  t.match(JSON.parse((await belay('inventory', '--json')).out), {
    hosts: [{ name: 'cinnabar' }],
    remarks: []
  })
})
