import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { collected } from '../../../agent/cli/views/gc.ts'
import { parseSettings } from '../../../agent/config/settings.ts'
import { writeMarks } from '../../../agent/operation/marks.ts'
import { admit } from '../../../agent/operation/store.ts'
import type { HomeSeen } from '../../../agent/platform/home/seen.ts'
import type { HomeWorld } from '../../../agent/retention/homes.ts'
import { collectHomes } from '../../../agent/retention/homes.ts'
import { unproven } from '../../../shared/api/mark.ts'

const path = (n: number) => `/nix/store/${String.fromCharCode(96 + n).repeat(32)}-home-manager-generation`
const nowMs = Date.parse('2026-03-01T00:00:00Z')
const seenWith = (numbers: readonly number[]): HomeSeen => ({
  ...{ uid: 1000, home: '/home/alice', profile: '/home/alice/p/home-manager', number: 9, storePath: path(9) },
  generations: numbers.map((number) => ({
    number,
    storePath: path(number),
    createdAt: '2026-01-01T00:00:00Z'
  })),
  ...{ root: null, running: path(9), manager: true, failedUnits: [], runningUnits: [] }
})

/** Homes in memory; what goes wrong in one is said. */
function homes(
  wrong: { readonly broken?: string; readonly integrated?: string; readonly stays?: true } = {}
) {
  const removed: [string, readonly number[]][] = []
  const world: HomeWorld = {
    look: async (user) => {
      if (user === wrong.broken) throw new Error('it does not answer')
      if (user === wrong.integrated) return null
      const gone = wrong.stays ? [] : removed.flatMap(([of, numbers]) => (of === user ? numbers : []))
      return seenWith([1, 2, 3, 4, 5, 6, 7, 8, 9].filter((number) => !gone.includes(number)))
    },
    remove: async (user, _, numbers) => void removed.push([user, numbers])
  }
  return { world, removed }
}

const settingsIn = (stateDirectory: string) => {
  mkdirSync(join(stateDirectory, 'homes/alice'), { recursive: true })
  return parseSettings(JSON.stringify({ stateDirectory, homes: { users: ['alice', 'bob'] } }), 'test')
}

t.test('a home keeps by the rule of the system; a trial deletes nothing', async (t) => {
  const settings = settingsIn(t.testdir())
  const mark = { ...unproven, number: 2, storePath: path(2), state: 'good' } as const
  await writeMarks(join(settings.stateDirectory, 'homes/alice'), [mark])
  const { world, removed } = homes()
  const [alice] = await collectHomes(settings, nowMs, true, world)
  t.same(removed, [])
  const stays = alice?.generations
    .filter(({ keep }) => keep)
    .map(({ number, reasons }) => [number, ...reasons])
  t.same(stays?.[0], [2, 'last-known-good'])
  t.same(
    stays?.map(([number]) => number),
    [2, 5, 6, 7, 8, 9]
  )
  t.match(await collectHomes(settings, nowMs, false, world), [
    { user: 'alice', deleted: [1, 3, 4], problem: null },
    { user: 'bob', deleted: [1, 2, 3, 4], problem: null }
  ])
  t.same(removed, [
    ['alice', [1, 3, 4]],
    ['bob', [1, 2, 3, 4]]
  ])
})

t.test('what is wrong with one keeps no other, and is said', async (t) => {
  const settings = settingsIn(t.testdir())
  t.match(await collectHomes(settings, nowMs, false, homes({ broken: 'alice' }).world), [
    { user: 'alice', deleted: [], problem: 'it does not answer' },
    { user: 'bob', deleted: [1, 2, 3, 4] }
  ])
  const part = homes({ integrated: 'alice' })
  const done = await collectHomes(settings, nowMs, false, part.world)
  t.match(done[0], { problem: /a part of the system/ })
  const text = collected({ dryRun: false, generations: [], deleted: [], boot: 'unchanged', homes: done })
  t.match(text, /home:alice: a part of the system[\s\S]*home:bob: deleted 4\n +1 +2026-01-01 +deleted/)
  t.match(await collectHomes(settings, nowMs, false, homes({ stays: true }).world), [
    { problem: /not as they were to be: 1, 2, 3, 4/ },
    {}
  ])
})

t.test(
  'nothing is deleted of a home that is under way, alone or with the system, nor where nobody knows',
  async (t) => {
    const state = t.testdir()
    const settings = settingsIn(state)
    await admit(
      join(state, 'operations'),
      {
        ...{ kind: 'activate', profile: 'system', target: { number: null, storePath: path(8) } },
        homes: [{ user: 'alice', storePath: path(7) }],
        confirm: { by: 'connection', windowSeconds: 60 },
        ...{ principal: 'operate', reason: null, idempotency: null }
      },
      () => ({ at: '2026-01-02T03:04:05.678Z', bootId: 'b', monotonicMs: 1 })
    )
    const { world, removed } = homes()
    t.match(await collectHomes(settings, nowMs, false, world), [
      { problem: /operation 2026\S+ is accepted; nothing is deleted meanwhile/ },
      { problem: null }
    ])
    t.same(removed, [['bob', [1, 2, 3, 4]]])
    mkdirSync(join(state, 'operations/20260103T030405678Z-00000000'))
    writeFileSync(join(state, 'operations/20260103T030405678Z-00000000/journal.jsonl'), 'x\n')
    t.match(await collectHomes(settings, nowMs, false, homes().world), [{ deleted: [] }, { deleted: [] }])
  }
)
