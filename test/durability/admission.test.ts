import t from 'tap'
import type { Admission } from '../../agent/operation/store.ts'
import { admission as usual } from '../agent/operation/admission.ts'
import { Disk } from './disk.ts'
import { afterPowerCut } from './power-cut.ts'
import type { Damage, Judge, RealCode } from './survey.ts'
import { figures, isSync, marked, realCodeOn, survey, total, without } from './survey.ts'

const ROOT = '/var/lib/belay/operations'
const RESERVE_BYTES = 64 * 1024
const now = () => ({ at: '2026-01-02T03:04:05.678Z', bootId: 'b', monotonicMs: 1 })
const admission = (key: string): Admission => ({
  ...usual,
  reason: 'a reason of some length '.repeat(40),
  idempotency: { key, request: 'hash' }
})
const journalOf = (id: string) => `${ROOT}/${id}/journal.jsonl`

async function end({ openJournal }: RealCode, id: string): Promise<void> {
  const journal = await openJournal(journalOf(id), now)
  await journal.append({ type: 'moved', to: 'cancelled', reason: 'test' })
  await journal.close()
}

/** Operations, each admitted and ended; the folder of the operations is made by the first. */
async function write(code: RealCode, keys: readonly string[]): Promise<Disk> {
  const disk = Disk.of({ '/var/lib/belay': null })
  code.world.begin(disk)
  for (const key of keys) {
    disk.mark('begun')
    const { accepted } = await code.admit(ROOT, admission(key), now)
    disk.mark('acknowledged')
    await end(code, accepted.id)
    disk.mark('ended')
  }
  return disk
}

/** Keys and phases of all operations, oldest first; null when one cannot be read, or lacks its reserve. */
async function told(code: RealCode, disk: Disk): Promise<readonly { id: string; ended: boolean }[] | null> {
  code.world.begin(disk)
  const ids = await code.listOperations(ROOT)
  try {
    return await Promise.all(
      ids.map(async (id, i) => {
        const { accepted, phase } = await code.readOperation(ROOT, id)
        const whole = disk.content(disk.find(`${ROOT}/${id}/reserve`) ?? -1).length === RESERVE_BYTES
        const right = accepted.id === id && accepted.idempotency?.key === String(i + 1)
        if (!right || !whole) throw new Error('not as admitted')
        return { id, ended: phase === 'cancelled' }
      })
    )
  } catch {
    return null
  }
}

const judgeWith =
  (code: RealCode): Judge =>
  async (disk, marks) => {
    const found = await told(code, disk)
    if (found === null) return 'unreadable'
    if (found.length < marked(marks, 'acknowledged')) return 'lost'
    if (found.filter(({ ended }) => ended).length < marked(marks, 'ended')) return 'lost'
    if (found.length > marked(marks, 'begun')) return 'invented'
    return goOn(code, disk, found)
  }

/** Ends what was left and admits another; and cuts the power again at the end of that. */
async function goOn(
  code: RealCode,
  disk: Disk,
  found: readonly { id: string; ended: boolean }[]
): Promise<Damage | null> {
  for (const { id, ended } of found) if (!ended) await end(code, id)
  const next = await code.admit(ROOT, admission(String(found.length + 1)), now).catch(() => null)
  if (next?.accepted.idempotency?.key !== String(found.length + 1)) return 'unusable'
  for (const state of afterPowerCut(disk))
    if ((await told(code, state))?.length !== found.length + 1) return 'unusable'
  return null
}

t.test('an operation is there whole or not at all, and stays once it was admitted', async (t) => {
  const code = await realCodeOn(t)
  const found = await survey(await write(code, ['1', '2', '3']), judgeWith(code))
  t.equal(total(found), 0, found.first ?? '')
  t.comment(figures(found))
})

t.test(
  'a key asked for again gives an operation that stays, though the agent died before its fsync',
  async (t) => {
    const code = await realCodeOn(t)
    const whole = await write(code, ['1', '2'])
    let lost = 0
    for (let count = 0; count <= whole.steps.length; count++) {
      const disk = whole.upTo(count)
      const found = await told(code, disk)
      for (const { id, ended } of found ?? []) if (!ended) await end(code, id)
      const key = String(Math.max(1, found?.length ?? 0))
      const { accepted } = await code.admit(ROOT, admission(key), now)
      for (const state of afterPowerCut(disk))
        if (!(await told(code, state))?.some(({ id }) => id === accepted.id)) lost++
    }
    t.equal(lost, 0)
  }
)

t.test('the same judge finds the damage of weaker writers', async (t) => {
  const code = await realCodeOn(t)
  const disk = await write(code, ['1'])
  for (const kind of ['file', 'directory'] as const) {
    const found = await survey(without(disk, isSync(disk, kind)), judgeWith(code))
    t.ok(found.damage.lost + found.damage.unreadable > 0, `no fsync of the ${kind}: ${figures(found)}`)
  }
})
