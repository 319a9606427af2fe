import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { commitOf } from '../../../../agent/health/soak/commit.ts'
import { openJournal } from '../../../../agent/journal/journal.ts'
import type { Event } from '../../../../agent/operation/events.ts'

const id = '20260101T030405678Z-1a2b3c4d'
const at = '2026-01-01T00:00:00.000Z'
/** An hour of sleep has been, before the operation. */
const now = { at, bootId: 'b', monotonicMs: 10_000_000, bootMs: 13_600_000 }

t.test('when an operation ended, on both clocks, by the one that its journal has', async (t) => {
  const root = t.testdir()
  mkdirSync(join(root, id))
  const journal = await openJournal<Event>(join(root, id, 'journal.jsonl'), () => ({
    ...{ at, bootId: 'b', monotonicMs: 9_000_000 }
  }))
  await journal.append({ type: 'moved', to: 'committed', reason: '', code: null } as unknown as Event)
  await journal.close()
  t.match((await commitOf(root, id, now, undefined))?.sign, { monotonicMs: 9_000_000, bootMs: 12_600_000 })
  t.match(
    (await commitOf(root, id, now, 'boot'))?.sign,
    { monotonicMs: 5_400_000, bootMs: 9_000_000 },
    'a Mac'
  )
  t.equal(await commitOf(root, id.replace('1a', '1b'), now, undefined), null, 'it is gone')
})
