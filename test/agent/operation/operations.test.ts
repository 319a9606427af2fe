import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { hostClock } from '../../../agent/clock.ts'
import { Operations } from '../../../agent/operation/operations.ts'
import { candidate, startDaemon } from '../fakes/daemon.ts'

const caller = { principal: 'operate', connectedMonotonicMs: 0 }

t.test('what the last change left outlives the operations that changed nothing', async (t) => {
  const d = await startDaemon(t)
  const settings = { ...d.settings, keepOperations: 5 }
  const operations = new Operations({ settings, clock: hostClock('boot'), host: d.host })
  const { accepted } = await operations.rollback({ generation: 1 }, caller)
  await d.append(accepted.id, { type: 'moved', to: 'rolling-back', reason: 'test' })
  await d.append(accepted.id, { type: 'moved', to: 'rolled-back', reason: 'test' })
  await operations.holds.release()
  const ids: string[] = []
  for (let i = 0; i < 7; i++) {
    const { id } = (await operations.start({ storePath: candidate }, caller, null)).accepted
    await d.append(id, { type: 'moved', to: 'cancelled', reason: 'test' })
    ids.push(id)
  }
  await operations.tend()
  const kept = (await operations.all()).map((state) => state.accepted.id)
  t.same(kept, [accepted.id, ...ids.slice(2)])
  const running = candidate
  const elsewhere = { ...d.host, observe: async () => ({ ...(await d.host.observe()), running }) }
  const drifted = new Operations({ settings, clock: hostClock('boot'), host: elsewhere })
  await t.rejects(drifted.start({ storePath: candidate }, caller, null), { code: 'drifted' })
  t.match(await drifted.profileState(), {
    drift: true,
    drifts: [{ kind: 'profile-not-running' }, { kind: 'switched-by-hand' }]
  })
  await drifted.start({ storePath: candidate, overDrift: true }, caller, null)
})

t.test('marks that cannot be read refuse an activation, unless it is to go on all the same', async (t) => {
  const d = await startDaemon(t)
  await writeFile(join(d.settings.stateDirectory, 'marks.json'), '{')
  const start = (again: boolean) => d.operations.start({ storePath: candidate, again }, caller, null)
  await t.rejects(start(false), { code: 'journal-corrupt', wanted: /again: true/ })
  t.match(await start(true), { phase: 'accepted' })
})

t.test('rollback attack: a generation that is named must be one that was recorded', async (t) => {
  const d = await startDaemon(t)
  const approval = { ...d.settings.approval, required: 'always' as const, revision: 'required' as const }
  const settings = { ...d.settings, approval }
  const operations = new Operations({ settings, clock: hostClock('boot'), host: d.host })
  const by = (role: 'operate' | 'admin') => ({ ...caller, role })
  await t.rejects(operations.rollback({ generation: 1 }, by('operate')), { code: 'rollback-not-known-good' })
  await t.rejects(operations.rollback({ generation: 1 }, caller), { code: 'rollback-not-known-good' })
  t.same(await operations.all(), [], 'nothing was admitted')
  t.match(await operations.rollback({ generation: 1 }, by('admin')), { phase: 'accepted' })
})

t.test('a rollback that is asked for three times at once is one', async (t) => {
  const d = await startDaemon(t)
  const looking = Promise.withResolvers<void>()
  let lookers = 0
  // All have found nothing under way before the first is let in.
  const generation = async (number: number) => {
    lookers += 1
    if (lookers === 3) looking.resolve()
    await looking.promise
    return d.host.generation(number)
  }
  const host = { ...d.host, generation }
  const operations = new Operations({ settings: d.settings, clock: hostClock('boot'), host })
  const presses = [1, 2, 3].map(() => operations.rollback({ generation: 1 }, caller))
  const [first, ...others] = (await Promise.all(presses)).map(({ accepted }) => accepted.id)
  t.same(others, [first, first])
  t.equal((await operations.all()).length, 1)
})

t.test('a rollback waits for a commit, and goes back behind it', async (t) => {
  const d = await startDaemon(t)
  const operations = new Operations({ settings: d.settings, clock: hostClock('boot'), host: d.host })
  const { id } = (await operations.start({ storePath: candidate }, caller, null)).accepted
  await d.append(id, { type: 'moved', to: 'committing', reason: 'test' })
  const asked = operations.rollback({ generation: 1 }, caller)
  await d.append(id, { type: 'moved', to: 'committed', reason: 'test' })
  const { accepted, phase } = await asked
  t.match({ kind: accepted.kind, phase }, { kind: 'rollback', phase: 'accepted' })
  t.not(accepted.id, id)
})

t.test('a rollback overtaken by the confirmation it was to cancel begins one of its own', async (t) => {
  const d = await startDaemon(t)
  const operations = new Operations({ settings: d.settings, clock: hostClock('boot'), host: d.host })
  const { id } = (await operations.start({ storePath: candidate }, caller, null)).accepted
  await d.append(id, { type: 'moved', to: 'confirming', reason: 'test' })
  const cancel = operations.cancel.bind(operations)
  operations.cancel = async (...args) => {
    await d.append(id, { type: 'moved', to: 'committing', reason: 'test' })
    await d.append(id, { type: 'moved', to: 'committed', reason: 'test' })
    return cancel(...args)
  }
  t.match(await operations.rollback({ generation: 1 }, caller), { accepted: { kind: 'rollback' } })
})
