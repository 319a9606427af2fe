import t from 'tap'
import { realAgent, truthOf } from './deployment.ts'
import { startFleet } from './fleet.ts'
import { HomeWorld } from './home-world.ts'
import { fleetUnavailable } from './root.ts'

const unit = (body: string) =>
  `[Service]\nExecStart=/bin/sh -c "${body}"\n[Install]\nWantedBy=default.target\n`
const web = '.config/systemd/user/web.service'

t.test('homes', { skip: fleetUnavailable() ?? false, timeout: 300_000 }, async (t) => {
  await using fleet = await startFleet({
    hosts: ['cinnabar'],
    agent: realAgent(),
    generations: {
      cinnabar: {
        generation: 'baseline',
        agent: 'bundle',
        agentConfig: { homes: { users: ['alice', 'bob'] } }
      }
    }
  })
  const host = fleet.host('cinnabar')
  const world = new HomeWorld(host)
  await world.build({
    alice1: {
      user: 'alice',
      generation: 'one',
      files: { '.config/greeting': 'one', [web]: unit('exec sleep 1000') }
    },
    alice2: {
      user: 'alice',
      generation: 'two',
      files: { '.config/greeting': 'two', '.config/new/file': 'new', [web]: unit('exec sleep 2000') }
    },
    bob1: { user: 'bob', generation: 'one', files: { '.greeting': 'one' } },
    bob2: { user: 'bob', generation: 'two', files: { '.greeting': 'two', '.profile': 'mine' } }
  })
  await world.addUser('alice', 'home', 'alice1')
  await world.addUser('bob', 'global', 'bob1')
  await world.sh('loginctl enable-linger alice')
  t.comment(await world.sh('belay-agent status; belay-agent generations --profile home:alice'))
  t.comment(
    await world.sh(
      `belay-agent preflight --profile home:alice ${world.path('alice2')} || :; belay-agent preview --profile home:alice ${world.path('alice2')} || :`
    )
  )
  const id = await world.begin('alice', 'alice2')
  await world.reach(id, 'confirming').catch(async (e) => {
    t.comment(await world.sh(`journalctl -n 80 --no-pager`))
    throw e
  })
  t.comment(JSON.stringify(await world.truth('alice', 'home'), null, 1))
  t.comment(
    await world.sh('belay-agent confirm; belay-agent status; cat /var/lib/belay/operations/*/back.sh')
  )
  t.comment(JSON.stringify(await world.truth('alice', 'home'), null, 1))
})
