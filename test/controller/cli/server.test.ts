import { join } from 'node:path'
import t from 'tap'
import { storePath } from '../fakes/fleet-host.ts'
import { startController } from '../server/daemon.ts'
import { daemonOnly, runBelay } from './run-belay.ts'

const fleet = `version: 1
rollout: { stages: [{ name: all, select: {}, approval: true }] }
hosts: { cinnabar: {} }
`

/** A command line beside a daemon. It has no way to the hosts by itself. */
async function besideDaemon(t: { teardown(act: () => unknown): void }) {
  const d = await startController(t, { fleet })
  const belay = async (...args: string[]) => {
    return await runBelay(['-f', d.file, ...args], daemonOnly())
  }
  const rollout = (...args: string[]) => belay('rollout', ...args, '--state', d.state)
  return { d, belay, rollout }
}

t.test('commands go through the daemon that has the state, and drive nothing themselves', async (t) => {
  const { d, belay, rollout } = await besideDaemon(t)
  const path = ['--no-build', '--path', `cinnabar=${storePath('b')}`]
  const started = await rollout('start', ...path, '--reason', 'flake update')
  t.match(started, { code: 5, out: /waiting-for-approval/ }, started.err)
  t.match(await rollout('drive'), { code: 1, err: /belay serve drives rollouts here.*store-locked/ })
  t.match(await rollout('skip', 'cinnabar'), { code: 2, err: /skip needs --reason/ })
  t.match(await rollout('approve', 'all'), { code: 0, out: /approve all/ })
  t.match(await rollout('status', '--watch'), { code: 0, out: /✔ cinnabar {2}done/ })
  t.equal(d.agentOf('cinnabar').seen.starts.length, 1)
  t.match(await rollout('pause'), { code: 2, err: /has ended/ })
  const { entries } = JSON.parse((await belay('--json', 'audit', '--state', d.state)).out)
  t.match(entries, [
    {
      action: 'rollout approved',
      role: 'approve',
      transport: 'socket',
      principal: /@.* by the approve socket$/
    },
    { action: 'rollout created', role: 'operate', reason: 'flake update' }
  ])
  t.match(await rollout('status', '--server', join(d.directory, 'nowhere')), {
    code: 1,
    err: /no daemon has its sockets/
  })
  await d.end()
  t.match(await rollout('status'), { code: 0, out: /done/ }, 'without it the store is read')
  t.match(await belay('audit', '--state', d.state), { code: 0, out: /rollout approved/ })
})

t.test('a token is shown once, listed without what makes it work, and ended', async (t) => {
  const { d, belay } = await besideDaemon(t)
  const token = (...args: string[]) => belay('token', ...args, '--state', d.state)
  const made = await token('add', 'prometheus', '--role', 'observe', '--expires', '30d')
  t.match(made, { code: 0, out: /^belay_[0-9a-f]{12}_[A-Za-z0-9_-]{43}\n$/ })
  t.match(await token('add', 'prometheus', '--role', 'observe'), { code: 2, err: /already/ })
  t.match(await token('add', 'x', '--role', 'root'), { code: 2 })
  t.match(await token('add', 'a b', '--role', 'observe'), { code: 2 })
  const list = await token('list')
  t.match(list, { code: 0, out: /prometheus +observe/ })
  t.notOk(list.out.includes(made.out.trim().slice(-43)))
  t.match(await token('revoke', 'prometheus'), { code: 0 })
  t.match(await token('revoke', 'prometheus'), { code: 2, err: /token-unknown/ })
  t.match(await token('list'), { out: 'no tokens\n' })
})
