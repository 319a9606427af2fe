import { join } from 'node:path'
import t from 'tap'
import { openJournal } from '../../../agent/journal/journal.ts'
import type { Event } from '../../../agent/operation/events.ts'
import { admit, operationDirectory } from '../../../agent/operation/store.ts'
import { operationOf, runnerCommand } from '../../../agent/platform/nixos/units.ts'
import { isOver } from '../../../agent/platform/runner-before.ts'
import { admission } from '../operation/admission.ts'

t.test('an operation is over when its journal says so, and never by what cannot be read', async (t) => {
  const root = t.testdir()
  const now = () => ({ at: '2026-01-02T03:04:05.678Z', bootId: 'b', monotonicMs: 1 })
  const { id } = (await admit(root, admission, now)).accepted
  const journal = await openJournal<Event>(join(operationDirectory(root, id), 'journal.jsonl'), now)
  for (const to of ['fetching', 'checking', 'arming', 'activating', 'rolling-back', 'stuck'] as const) {
    t.equal(await isOver(root, id), false)
    await journal.append({ type: 'moved', to, reason: 'test' })
  }
  t.equal(await isOver(root, id), false, 'who is stuck tries again')
  for (const to of ['rolling-back', 'rolled-back'] as const)
    await journal.append({ type: 'moved', to, reason: 'test' })
  await journal.close()
  t.equal(await isOver(root, id), true)
  t.equal(await isOver(root, '20260102T030405678Z-ffffffff'), false)
  for (const other of ['', '..', 'belay-operation.service']) t.equal(await isOver(root, other), false, other)
})

t.test('a runner is known by its unit, and who else switches under its name is none', async (t) => {
  const id = '20260102T030405678Z-0a1b2c3d'
  const [, description = ''] =
    runnerCommand(id, null)
      .find((word) => word.startsWith('--description='))
      ?.split('=') ?? []
  t.equal(operationOf(description), id)
  for (const other of [`Belay rescue ${id}`, 'Belay rescue', 'belay-operation.service', ''])
    t.equal(operationOf(other), null, other)
})
