import { appendFile, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { openJournal } from '../../../agent/journal/journal.ts'
import type { Event } from '../../../agent/operation/events.ts'
import type { Admission } from '../../../agent/operation/store.ts'
import {
  admit,
  listOperations,
  operationDirectory,
  readOperation,
  removeLeftovers,
  requestHash
} from '../../../agent/operation/store.ts'
import { admission as usual } from './admission.ts'

const now = () => ({ at: '2026-01-02T03:04:05.678Z', bootId: 'b', monotonicMs: 1 })
const admission = (key: string | null = null, request: unknown = 1): Admission => ({
  ...usual,
  idempotency: key === null ? null : { key, request: requestHash(request) }
})

async function end(root: string, id: string): Promise<void> {
  const journal = await openJournal<Event>(join(operationDirectory(root, id), 'journal.jsonl'), now)
  await journal.append({ type: 'moved', to: 'cancelled', reason: 'test' })
  await journal.close()
}

t.test('an admitted operation is read again, and another is refused until it has ended', async (t) => {
  const root = join(t.testdir(), 'operations')
  const first = await admit(root, admission(), now)
  t.match(first.accepted.id, /^20260102T030405678Z-/)
  t.same(await readOperation(root, first.accepted.id), first)
  await t.rejects(admit(root, admission(), now), { code: 'operation-running', found: first.accepted.id })
  await end(root, first.accepted.id)
  await admit(root, admission(), now)
  t.equal((await listOperations(root)).length, 2)
})

t.test('a home waits for the system and for itself; the system waits for no home', async (t) => {
  const root = t.testdir()
  const home = (user: string, kind: 'activate' | 'rollback' = 'activate'): Admission => ({
    ...admission(),
    kind,
    profile: `home:${user}`
  })
  const alice = await admit(root, home('alice'), now)
  await t.rejects(admit(root, home('alice'), now), { code: 'operation-running', found: alice.accepted.id })
  await end(root, (await admit(root, home('bob'), now)).accepted.id)
  const system = await admit(root, admission(), now)
  await t.rejects(admit(root, home('bob'), now), { code: 'operation-running', found: system.accepted.id })
  t.equal((await admit(root, home('bob', 'rollback'), now)).accepted.kind, 'rollback')
})

t.test('one key is one operation, even when it has ended', async (t) => {
  const root = t.testdir()
  const { accepted } = await admit(root, admission('k'), now)
  t.equal((await admit(root, admission('k'), now)).accepted.id, accepted.id)
  await end(root, accepted.id)
  t.equal((await admit(root, admission('k'), now)).phase, 'cancelled')
  await t.rejects(admit(root, admission('k', 2), now), { code: 'idempotency-conflict', found: accepted.id })
  t.equal((await listOperations(root)).length, 1)
})

t.test('while a journal cannot be read nothing but a rollback is admitted', async (t) => {
  const root = t.testdir()
  const { accepted } = await admit(root, admission(), now)
  await appendFile(join(root, accepted.id, 'journal.jsonl'), 'garbage\n')
  await t.rejects(admit(root, admission(), now), { code: 'journal-corrupt' })
  const rollback = { ...admission(), kind: 'rollback' as const }
  t.equal((await admit(root, rollback, now)).accepted.kind, 'rollback', 'the way back stays open')
})

t.test('what a crash left half made is no operation', async (t) => {
  const root = t.testdir()
  await mkdir(join(root, '20260102T030405678Z-00000000.new'))
  await writeFile(join(root, 'README'), '')
  t.same(await listOperations(root), [])
  await admit(root, admission(), now)
  t.equal((await readdir(root)).filter((n) => n.endsWith('.new')).length, 1)
})

t.test('an identity is never a path', async (t) => {
  for (const id of [
    '',
    '..',
    '../x',
    '20260102T030405678Z-0000000/',
    '20260102T030405678Z-00000000\n',
    '20260102T030405678Z-0000000G'
  ]) {
    await t.rejects(readOperation(t.testdir(), id), { code: 'operation-unknown' })
  }
  await t.rejects(readOperation(t.testdir(), '20260102T030405678Z-00000000'), { code: 'operation-unknown' })
})

t.test('identities sort by time of acceptance, even when the clock is set back', async (t) => {
  const root = t.testdir()
  const ids: string[] = []
  for (const at of [
    '2026-01-02T03:04:05.678Z',
    '2026-01-02T03:04:05.678Z',
    '2026-01-01T00:00:00.000Z',
    '2026-01-03T00:00:00.000Z'
  ]) {
    const { accepted } = await admit(root, admission(), () => ({ ...now(), at }))
    await end(root, accepted.id)
    ids.push(accepted.id)
  }
  t.same(ids, [...ids].sort())
})

t.test(
  'a directory without a journal is no operation, and one that cannot be read is a damaged one',
  async (t) => {
    const root = t.testdir()
    await mkdir(join(root, '20200101T000000000Z-deadbeef'))
    const { accepted } = await admit(root, admission(), now)
    await end(root, accepted.id)
    await mkdir(join(root, '20200101T000000000Z-cafecafe', 'journal.jsonl'), { recursive: true })
    await t.rejects(admit(root, admission(), now), { code: 'journal-corrupt' })
    await admit(root, { ...admission(), kind: 'rollback' }, now)
  }
)

t.test('what was cut off while it was removed or made goes, and what is being made stays', async (t) => {
  const young = `${new Date().toISOString().replace(/[-:.]/g, '')}-00000000.new`
  const old = (ending: string) => `20260102T030405678Z-00000000.${ending}`
  const root = t.testdir({
    [old('gone')]: { 'journal.jsonl': '' },
    [old('new')]: {},
    [young]: {},
    README: ''
  })
  await removeLeftovers(root)
  t.same((await readdir(root)).sort(), [young, 'README'].sort())
})
