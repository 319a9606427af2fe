import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { hostClock } from '../../../agent/clock.ts'
import { heard } from '../../../agent/operation/control.ts'
import { writeMarks } from '../../../agent/operation/marks.ts'
import { Operations } from '../../../agent/operation/operations.ts'
import { operationDirectory } from '../../../agent/operation/store.ts'
import { unproven } from '../../../shared/api/mark.ts'
import type { Phase } from '../../../shared/operation/phase.ts'
import { candidate, startDaemon } from '../fakes/daemon.ts'

const caller = { principal: 'operate', connectedMonotonicMs: 0 }
const toConfirming = ['fetching', 'checking', 'arming', 'activating', 'verifying', 'confirming'] as const

/** A generation to go back to where none is named. */
const known = { ...unproven, number: 2, storePath: candidate, state: 'good' as const }

/** Has the journal of an operation say that it went through these phases. */
async function go(
  d: Pick<Awaited<ReturnType<typeof startDaemon>>, 'append'>,
  id: string,
  phases: readonly Phase[]
): Promise<void> {
  for (const to of phases) await d.append(id, { type: 'moved', to, reason: 'test' })
}

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

t.test('a rollback to another generation than the one that is on its way is not swallowed', async (t) => {
  const d = await startDaemon(t)
  const generation = async (number: number) => ({ number, storePath: candidate })
  const host = { ...d.host, generation }
  const operations = new Operations({ settings: d.settings, clock: hostClock('boot'), host })
  const { id } = (await operations.rollback({ generation: 1 }, caller)).accepted
  for (const phases of [[], ['rolling-back']] as const) {
    await go(d, id, phases)
    t.match(await operations.rollback({ generation: 1 }, caller), { accepted: { id } })
    await t.rejects(operations.rollback({ generation: 2 }, caller), { code: 'operation-running' })
  }
  await go(d, id, ['stuck'])
  t.match(await operations.rollback({ generation: 2 }, caller), { accepted: { id } })
  t.match(await heard(operationDirectory(operations.root, id), 'retry'), { target: { number: 2 } })
})

t.test('a rollback waits for a commit, and goes back behind it', async (t) => {
  const d = await startDaemon(t)
  const operations = new Operations({ settings: d.settings, clock: hostClock('boot'), host: d.host })
  const { id } = (await operations.start({ storePath: candidate }, caller, null)).accepted
  await go(d, id, [...toConfirming, 'committing'])
  const asked = operations.rollback({ generation: 1 }, caller)
  await go(d, id, ['committed'])
  const { accepted, phase } = await asked
  t.match({ kind: accepted.kind, phase }, { kind: 'rollback', phase: 'accepted' })
  t.not(accepted.id, id)
})

t.test('a rollback overtaken by the confirmation it was to cancel begins one of its own', async (t) => {
  const d = await startDaemon(t)
  await writeMarks(d.settings.stateDirectory, [known])
  const operations = new Operations({ settings: d.settings, clock: hostClock('boot'), host: d.host })
  const { id } = (await operations.start({ storePath: candidate }, caller, null)).accepted
  await go(d, id, toConfirming)
  const cancel = operations.cancel.bind(operations)
  operations.cancel = async (...args) => {
    await go(d, id, ['committing', 'committed'])
    return cancel(...args)
  }
  t.match(await operations.rollback({}, caller), { accepted: { kind: 'rollback' } })
})

t.test(
  'a rollback whose word comes behind the last look of the runner goes back behind the commit',
  async (t) => {
    const d = await startDaemon(t)
    await writeMarks(d.settings.stateDirectory, [known])
    const operations = new Operations({ settings: d.settings, clock: hostClock('boot'), host: d.host })
    const { id } = (await operations.start({ storePath: candidate }, caller, null)).accepted
    await go(d, id, toConfirming)
    const get = operations.get.bind(operations)
    let asked = 0
    operations.get = async (...args) => {
      const state = await get(...args)
      asked += 1
      // Read as confirming; the runner goes on before the word is there, and looks for it in vain.
      if (state.phase === 'confirming' && asked > 1) await go(d, id, ['committing', 'committed'])
      return state
    }
    t.match(await operations.rollback({}, caller), { accepted: { kind: 'rollback' } })
    await t.rejects(operations.cancel(id, caller, null), { code: 'not-cancellable' })
  }
)
