import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { parseSettings } from '../../../agent/config/settings.ts'
import type { Journal, JournalRecord } from '../../../agent/journal/journal.ts'
import type { Accepted, Event } from '../../../agent/operation/events.ts'
import { Approvals } from '../../../agent/security/approvals.ts'
import { useApprovals } from '../../../agent/security/require-approval.ts'
import type { Statement } from '../../../shared/approval.ts'
import { plan as planOf } from '../../shared/plans.ts'
import { keyRing, path, signed, statement } from './keys.ts'

/** The plan that the statements of the tests approve. */
export const plan = planOf({ from: path('a'), to: path('b') })

/** A host that wants approvals, with real keys and files, on which nothing is ever activated. */
export function host(t: Test, approval: object = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'belay-approval-test-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const [stateDirectory, signersFile] = [join(dir, 'state'), join(dir, 'signers')]
  mkdirSync(stateDirectory)
  const ring = keyRing(dir)
  for (const name of ['alice', 'bob', 'mallory']) ring.make(name)
  const allow = (...names: string[]) =>
    writeFileSync(signersFile, names.map((name) => `${name}@example.org ${ring.publicKey(name)}\n`).join(''))
  allow('alice', 'bob')
  const policy = { required: 'always', signersFile, ...approval }
  const settings = parseSettings(
    JSON.stringify({ hostName: 'cinnabar', stateDirectory, approval: policy }),
    'test'
  )
  const now = { ms: Date.now(), plan, previews: 0 }
  const options = {
    settings,
    nowMs: () => now.ms,
    preview: async () => {
      now.previews += 1
      return now.plan
    }
  }
  const approvals = new Approvals(options)
  /** Kills whoever appends the n-th record from now on, before or after it is written. */
  const records: JournalRecord<Event>[] = []
  const journalOf = (dies: boolean): Journal<Event> => ({
    records,
    append: async (event) => {
      if (dies) throw new Error('killed')
      const stamp = { at: '', bootId: '', monotonicMs: 0, previous: '', hash: '' }
      const record = { seq: records.length, event, ...stamp }
      records.push(record)
      return record
    },
    close: async () => {}
  })
  /** What the runner does in `checking`; `dies` in front of its first record. */
  const use = (id: string, change: Partial<Accepted> = {}, dies = false) => {
    const accepted: Accepted = {
      ...{ type: 'accepted', id, kind: 'activate', profile: 'system' },
      target: { number: null, storePath: path('b') },
      confirm: { by: 'health', windowSeconds: 60 },
      ...{ principal: 'operate socket', reason: null, idempotency: null },
      ...change
    }
    return useApprovals(accepted, { ...options, journal: journalOf(dies) })
  }
  const receive = (by: string, change: Partial<Statement> = {}) =>
    approvals.receive(signed(ring, by, statement(change, now.ms)).document)
  const used = () => records.flatMap(({ event }) => (event.type === 'approved' ? [event.principal] : []))
  return { dir, ring, settings, allow, approvals, now, use, receive, used, records }
}

/** The mode of a signers file is judged with its owner: only root can have one that is trusted. */
export const skip = process.getuid?.() === 0 ? false : 'needs root'
