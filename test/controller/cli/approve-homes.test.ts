import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { parseApproval } from '../../../shared/approval.ts'
import { keyRing } from '../../agent/security/keys.ts'
import { plan } from '../../shared/plans.ts'
import { storePath } from '../fakes/fleet-host.ts'
import { operator, staged } from './operator.ts'

const fleet = 'version: 1\nhosts: { cinnabar: { homes: { alice: { withSystem: true }, bob: {} } } }\n'

/** An operator with a key, whose host plans another thing for each profile. */
function world(t: Test) {
  const of = (profile: 'system' | `home:${string}`) => plan({ profile, to: storePath('b') })
  const made = operator(t, fleet + staged, {
    homes: { alice: storePath('a'), bob: storePath('a') },
    plans: of
  })
  const ring = keyRing(made.directory)
  ring.make('mia')
  const statements = () => made.agent.seen.approvals.map((each) => parseApproval(each).statement)
  return { ...made, of, key: ['--key', ring.file('mia')], statements }
}

t.test('a stage is signed for its system and for each home that moves with it', async (t) => {
  const { rollout, key, of, statements, agent } = world(t)
  await rollout('start', '--wait', '0s')
  const waiting = JSON.parse((await rollout('status', '--json')).out)
  t.match(waiting.plan.hosts, [
    { planHash: of('system').hash, homes: [{ user: 'alice', planHash: of('home:alice').hash }] }
  ])
  const strange = await rollout('approve', 'all', '--sign', '--host', 'cinabar', ...key)
  t.match(strange, { code: 2, err: /stage all has no host "cinabar"; nothing was signed or approved/ })
  const said = await rollout('approve', 'all', '--sign', ...key)
  t.match(said, { code: 0, out: /cinnabar {2}signed plan .*\n +alice@cinnabar {2}signed plan / })
  t.match(said.err, /You approve that cinnabar[\s\S]*profile: home:alice/)
  const { revision } = waiting.plan
  const terms = {
    host: 'cinnabar',
    storePath: storePath('b'),
    mode: 'switch',
    confirm: 'connection',
    revision
  }
  t.match(statements(), [
    { ...terms, profile: 'system', planHash: of('system').hash },
    { ...terms, profile: 'home:alice', planHash: of('home:alice').hash }
  ])
  t.equal(statements().length, 2, 'bob moves alone, and is in no rollout')
  await rollout('start', '--wait', '0s')
  t.match(agent.seen.starts, [{ body: { homes: [{ user: 'alice', planHash: of('home:alice').hash }] } }])
})

t.test('a plan of a home that has changed since is not signed, and that is said', async (t) => {
  const made = world(t)
  const { rollout, key, statements, of } = made
  await rollout('start', '--wait', '0s')
  made.agent.replan((profile) =>
    profile === 'home:alice' ? plan({ profile, to: storePath('b'), from: storePath('f') }) : of(profile)
  )
  const said = await rollout('approve', 'all', '--sign', ...key)
  t.match(said, {
    code: 1,
    out: /cinnabar {2}signed plan .*\n +alice@cinnabar {2}not signed: .*not the one that you read/
  })
  t.match(statements(), [{ profile: 'system' }])
  t.equal(statements().length, 1)
})

t.test('belay approve --home signs for the home alone', async (t) => {
  const { belay, key, of, statements, directory } = world(t)
  const terms = ['--path', storePath('b'), ...key]
  const bob = of('home:bob')
  const file = join(directory, 'plan.json')
  writeFileSync(file, JSON.stringify({ hosts: [{ host: 'bob@cinnabar', plan: bob }] }))
  t.match(
    await belay('approve', 'cinnabar', '--plan', file, ...terms),
    { code: 2, err: /it has no plan of cinnabar/ },
    'the plan of a home approves no system'
  )
  t.match(await belay('approve', 'cinnabar', '--home', 'alice', '--plan', file, ...terms), {
    code: 2,
    err: /it has no plan of alice@cinnabar/
  })
  t.match(
    await belay('approve', 'cinnabar', '--home', 'bob', '--plan', of('system').hash, ...terms),
    { code: 1, err: /approval-wrong-plan/ },
    'nor does that of the system approve a home'
  )
  t.same(statements(), [])
  for (const plan of [file, bob.hash])
    t.match(await belay('approve', 'cinnabar', '--home', 'bob', '--plan', plan, ...terms), { code: 0 })
  const wanted = { host: 'cinnabar', profile: 'home:bob', planHash: bob.hash, revision: null }
  t.match(statements(), [wanted, wanted])
  t.match(await belay('approve', 'cinnabar', '--home', 'root', '--plan', bob.hash, ...terms), { code: 1 })
})
