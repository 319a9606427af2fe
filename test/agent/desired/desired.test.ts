import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { hostClock } from '../../../agent/clock.ts'
import { DesiredKeeper } from '../../../agent/desired/desired.ts'
import type { DesiredRequest } from '../../../shared/api/desired.ts'
import { BelayError } from '../../../shared/errors.ts'
import type { Scope } from '../fakes/daemon.ts'
import { candidate, startDaemon } from '../fakes/daemon.ts'

const request = (revision: number, more: Partial<DesiredRequest> = {}): DesiredRequest => ({
  profile: 'system',
  storePath: candidate,
  revision,
  confirm: { by: 'health', windowSeconds: 60 },
  ...more
})

/** A daemon whose desired state is looked at by hand, with a clock that stands. */
async function world(t: Scope) {
  const d = await startDaemon(t)
  const time = { ms: 0 }
  const store = { there: true, fetches: 0, released: 0 }
  const gates: PromiseWithResolvers<void>[] = []
  const host = {
    keep: async () => store.there,
    release: async () => void store.released++,
    fetch: () => {
      store.fetches += 1
      const gate = Promise.withResolvers<void>()
      gates.push(gate)
      return gate.promise
    }
  }
  const received: string[] = []
  const keeper = () =>
    new DesiredKeeper({
      settings: d.settings,
      clock: hostClock('boot'),
      host,
      operations: d.operations,
      receive: async (document) => void received.push(document),
      logger: { info: () => {}, warn: () => {} },
      monotonicMs: () => time.ms
    })
  const end = async (...moves: readonly (readonly [string, string?])[]) => {
    const id = (await d.operations.all()).at(-1)?.accepted.id ?? ''
    for (const [to, code] of moves)
      await d.append(id, {
        type: 'moved',
        to: to as 'committed',
        reason: to,
        ...(code === undefined ? {} : { code })
      })
    return id
  }
  const runs = (storePath: string) => {
    const observe = async () => ({
      profile: 'system' as const,
      number: 2,
      storePath,
      running: storePath,
      booted: storePath,
      bootDefault: storePath,
      drift: false
    })
    Object.assign(d.host, { observe })
  }
  return { d, time, store, gates, received, keeper, end, runs }
}

const committed = [
  ['fetching'],
  ['checking'],
  ['arming'],
  ['activating'],
  ['verifying'],
  ['confirming'],
  ['committing'],
  ['committed']
] as const

t.test('is kept, converges through one operation, and is reached', async (t) => {
  const w = await world(t)
  const keeper = w.keeper()
  t.match(await keeper.view(), { desired: null, is: 'none' })
  const accepted = await keeper.put(request(1, { reason: 'update' }), 'operate socket')
  t.match(accepted, { is: 'pending', pending: { code: 'converging' }, desired: { revision: 1 } })
  await keeper.tick()
  const all = await w.d.operations.all()
  t.equal(all.length, 1, 'one operation, however often it is looked at')
  t.match(all[0]?.accepted, {
    target: { storePath: candidate },
    revision: 1,
    reason: 'update',
    confirm: { by: 'health', windowSeconds: 60 },
    principal: 'desired state of operate socket',
    idempotency: { key: 'desired/1/1' }
  })
  await w.end(...committed)
  w.runs(candidate)
  await keeper.tick()
  t.match(await keeper.view(), { is: 'reached', reachedAt: String, pending: null })
  t.equal(w.store.released, 1, 'the profile holds it now')
  const reborn = w.keeper()
  t.match(await reborn.view(), { is: 'reached' }, 'it survives')
  w.runs(`/nix/store/${'d'.repeat(32)}-by-hand`)
  await reborn.tick()
  t.match(await reborn.view(), { is: 'pending', pending: { code: 'drifted' } })
  t.equal((await w.d.operations.all()).length, 1, 'and nothing goes over what somebody did by hand')
})

t.test('killed after any step, the next life goes on with the same operation', async (t) => {
  const w = await world(t)
  await w.keeper().put(request(1), 'operate socket')
  for (let i = 0; i < 3; i++) await w.keeper().tick()
  t.equal((await w.d.operations.all()).length, 1)
  await w.end(['fetching'], ['refused', 'no-space'])
  for (let i = 0; i < 3; i++) await w.keeper().tick()
  t.match(await w.keeper().view(), { pending: { code: 'refused', text: 'refused' } })
  t.equal((await w.d.operations.all()).length, 1, 'it waits')
})

t.test('two requests at once: one after the other, the older is refused', async (t) => {
  const w = await world(t)
  const keeper = w.keeper()
  const [newer, older] = await Promise.allSettled([keeper.put(request(5), 'a'), keeper.put(request(4), 'b')])
  t.equal(newer.status, 'fulfilled')
  t.match(older, { status: 'rejected', reason: { code: 'desired-older' } })
  await t.rejects(keeper.put(request(5, { mode: 'boot' }), 'a'), { code: 'desired-conflict' })
  await t.rejects(
    keeper.put(
      request(6, { windows: [{ days: ['mon'], from: '01:00', to: '02:00', timeZone: 'Mars/X' }] }),
      'a'
    ),
    { code: 'invalid-request', at: 'windows.0.timeZone' }
  )
})

t.test('a refusal before there is an operation: told, and asked again ever more rarely', async (t) => {
  const w = await world(t)
  let asked = 0
  Object.assign(w.d.host, {
    assertCandidate: async () => {
      asked += 1
      throw new BelayError('approval-missing', 'nobody has approved it')
    }
  })
  const keeper = w.keeper()
  await keeper.put(request(1), 'operate socket')
  const { pending } = await keeper.view()
  t.match(pending, { code: 'waiting-for-approval', text: 'nobody has approved it', unblock: /15 s/ })
  await keeper.tick()
  t.equal(asked, 1)
  w.time.ms = 15_000
  await keeper.tick()
  await keeper.tick()
  t.equal(asked, 2)
  t.match(await keeper.view(), { pending: { since: pending?.since, unblock: /30 s/ } }, 'since when it is so')
  await keeper.nudge()
  t.equal(asked, 3, 'an approval that arrives is tried at once')
  t.match(await w.keeper().view(), { pending: { since: pending?.since } }, 'since when outlives the agent')
})

t.test('what is not here is fetched, once at a time', async (t) => {
  const w = await world(t)
  w.store.there = false
  const keeper = w.keeper()
  await keeper.put(request(1), 'operate socket')
  await keeper.tick()
  t.match(await keeper.view(), { pending: { code: 'fetching' } })
  t.equal(w.store.fetches, 1)
  w.gates[0]?.reject(new BelayError('path-not-valid', 'no substituter has it'))
  await new Promise(setImmediate)
  await keeper.tick()
  t.match(await keeper.view(), { pending: { code: 'path-missing', text: /no substituter/ } })
  w.time.ms = 15_000
  await keeper.tick()
  t.equal(w.store.fetches, 2)
  w.store.there = true
  w.gates[1]?.resolve()
  await new Promise(setImmediate)
  await keeper.tick()
  t.match(await keeper.view(), { pending: { code: 'converging' } })
})

t.test('the fetch of what is not wanted any more says nothing of what is', async (t) => {
  const w = await world(t)
  w.store.there = false
  const keeper = w.keeper()
  await keeper.put(request(1), 'operate socket')
  await keeper.put(request(2, { storePath: candidate.replace('bb', 'cc') }), 'operate socket')
  w.gates[0]?.reject(new BelayError('path-not-valid', 'no substituter has it'))
  await new Promise(setImmediate)
  await keeper.tick()
  t.match(await keeper.view(), { pending: { code: 'fetching' } })
  t.equal(w.store.fetches, 2)
})

t.test('a cancellation by a person stands; a new revision goes on', async (t) => {
  const w = await world(t)
  const keeper = w.keeper()
  await keeper.put(request(1), 'operate socket')
  const id = (await w.d.operations.all())[0]?.accepted.id ?? ''
  await w.d.operations.cancel(id, { principal: 'admin socket', connectedMonotonicMs: 0 }, 'not now')
  await w.end(['cancelled'])
  await keeper.tick()
  t.match(await keeper.view(), { pending: { code: 'cancelled', text: /admin socket/ } })
  await keeper.put(request(2), 'operate socket')
  t.equal((await w.d.operations.all()).length, 2)
})

t.test('an activation under a revision that was passed is refused', async (t) => {
  const w = await world(t)
  await w.d.operations.holds.put('wait', 'x')
  await w.keeper().put(request(5), 'operate socket')
  await w.d.operations.holds.release()
  const caller = { principal: 'operate', connectedMonotonicMs: 0 }
  const start = (revision: number) => w.d.operations.start({ storePath: candidate, revision }, caller, null)
  await t.rejects(start(4), { code: 'desired-older' })
  t.match(await start(5), { phase: 'accepted' })
})

t.test('withdrawn: nothing more happens, and its revision stays passed', async (t) => {
  const w = await world(t)
  const keeper = w.keeper()
  await w.d.operations.holds.put('wait', 'x')
  await keeper.put(request(3), 'operate socket')
  t.match(await keeper.view(), { pending: { code: 'held' } })
  await t.rejects(keeper.withdraw({ revision: 2, reason: 'x' }, 'y'), { code: 'desired-conflict', wanted: 3 })
  const taken = await keeper.withdraw({ revision: 3, reason: 'not this week' }, 'admin socket')
  t.match(taken, { is: 'withdrawn', desired: { withdrawn: { reason: 'not this week' } } })
  t.match(await keeper.withdraw({ revision: 3, reason: 'again' }, 'z'), {
    desired: { withdrawn: { reason: 'not this week' } }
  })
  await w.d.operations.holds.release()
  await keeper.nudge()
  t.equal((await w.d.operations.all()).length, 0)
  await t.rejects(keeper.put(request(3), 'operate socket'), { code: 'desired-older' })
})

t.test('a file that cannot be read: told, nothing is started, nothing is written over it', async (t) => {
  const w = await world(t)
  await writeFile(join(w.d.settings.stateDirectory, 'desired.json'), '{')
  const keeper = w.keeper()
  await keeper.tick()
  t.match(await keeper.view(), { is: 'pending', pending: { code: 'unreadable', unblock: /removes/ } })
  await t.rejects(keeper.put(request(9), 'operate socket'), { code: 'journal-corrupt' })
  t.equal((await w.d.operations.all()).length, 0)
})

t.test('an approval that comes with it is taken in first', async (t) => {
  const w = await world(t)
  await w.keeper().put(request(1, { approval: 'signed' }), 'operate socket')
  t.same(w.received, ['signed'])
})
