import t from 'tap'
import type { Journal } from '../../agent/journal/journal.ts'
import { admission } from '../agent/operation/admission.ts'
import type { Tree } from './disk.ts'
import { Disk } from './disk.ts'
import { afterPowerCut } from './power-cut.ts'
import type { RealCode } from './survey.ts'
import { realCodeOn } from './survey.ts'

/** What a file system with no room, a broken or a read-only one answers, and with what code ours then fails. */
const answers = { ENOSPC: 'no-space', EDQUOT: 'no-space', EIO: 'EIO', EROFS: 'EROFS' } as const
type Answer = keyof typeof answers

/** Only a broken disk fails a call that changes nothing. */
const reading: ReadonlySet<string> = new Set(['read', 'stat', 'fstat', 'readdir', 'readlink'])

/** How the calls fail: the nth alone or all from it on; of a write half is made first, or nothing. */
const modes = [
  { once: true, partial: false },
  { once: true, partial: true },
  { once: false, partial: false },
  { once: false, partial: true }
] as const

/** One of our calls, and what must be true behind it. */
interface Subject<T> {
  readonly start: Tree
  /** Before anything fails. */
  readonly prepare: (code: RealCode) => Promise<T>
  readonly run: (code: RealCode, prepared: T) => Promise<unknown>
  /** Null, or what is wrong, after a run with this error (null: none), and nothing fails any more. */
  readonly judge: (code: RealCode, error: Failure | null, prepared: T, plan: Plan) => Promise<string | null>
  /** Whether a single answer of no room is got over. */
  readonly hasReserve: boolean
}

type Failure = Error & { readonly code?: string }

/** Fails the nth call for every n until none fails, for every answer and mode. Gives the number of runs. */
async function failEveryCall<T>(code: RealCode, subject: Subject<T>): Promise<Result> {
  const complaints: string[] = []
  let runs = 0
  for (const answer of Object.keys(answers) as Answer[])
    for (const mode of modes)
      for (let n = 1; ; n++) {
        const plan = { answer, n, ...mode }
        const { complaint, failed } = await failCall(code, subject, plan)
        if (!failed) break
        runs++
        if (complaint) complaints.push(`${JSON.stringify(plan)}: ${complaint}`)
        if (n > 200) throw new Error('it never comes to an end')
      }
  return { runs, complaints }
}

interface Result {
  readonly runs: number
  readonly complaints: readonly string[]
}

interface Plan {
  readonly answer: Answer
  readonly n: number
  readonly once: boolean
  readonly partial: boolean
}

async function failCall<T>(
  code: RealCode,
  subject: Subject<T>,
  plan: Plan
): Promise<{ complaint: string | null; failed: boolean }> {
  const { answer, n, once, partial } = plan
  const { world } = code
  world.begin(Disk.of(subject.start))
  const prepared = await subject.prepare(code)
  const [opened, before] = [world.opened, world.calls]
  let applicable = 0
  world.fault = (_, name) => {
    if (answer !== 'EIO' && reading.has(name)) return null
    applicable++
    return (once ? applicable === n : applicable >= n) ? { code: answer, partial } : null
  }
  const error = await subject.run(code, prepared).then(
    () => null,
    (e: Failure) => e
  )
  const failed = applicable >= n
  world.fault = () => null
  const complaints = [
    world.calls === before ? 'made no call' : null,
    world.opened > opened ? 'left a file open' : null,
    error && error.code !== answers[answer] && error.code !== 'journal-corrupt'
      ? `failed with ${error}`
      : null,
    error && once && subject.hasReserve && answers[answer] === 'no-space' ? 'did not use its reserve' : null,
    await subject.judge(code, error, prepared, plan)
  ]
  return { complaint: complaints.find((c) => c !== null) ?? null, failed }
}

const FILE = '/state/file'
const textOn = (disk: Disk, path: string) => disk.content(disk.find(path) ?? -1).toString()
const reserve = Buffer.alloc(64 * 1024, 1)

/** Old or new and whole, on the disk too; and the next write leaves nothing but its text. */
const stateFile = (more: Tree): Subject<void> => ({
  start: { [FILE]: 'old', ...more },
  hasReserve: Object.keys(more).length > 0,
  prepare: async () => {},
  run: ({ durableWrite }) => durableWrite(FILE, 'new'.repeat(500)),
  judge: async ({ world, durableWrite }, error) => {
    const { disk } = world
    const good = error === null ? ['new'.repeat(500)] : ['old', 'new'.repeat(500)]
    if (!good.includes(textOn(disk, FILE))) return `it holds ${textOn(disk, FILE).slice(0, 20)}`
    for (const state of afterPowerCut(disk))
      if (!good.includes(textOn(state, FILE))) return 'after a power cut it is neither old nor new'
    await durableWrite(FILE, 'next')
    if (textOn(disk, FILE) !== 'next') return 'the next write fails'
    const names = [...disk.tree().keys()].filter((path) => path !== '/state/reserve')
    return names.length === 2 ? null : `left over: ${names}`
  }
})

const JOURNAL = '/state/journal.jsonl'
const now = () => ({ at: '2026-01-02T03:04:05.678Z', bootId: 'b', monotonicMs: 1 })
const told = ({ parseJournal }: RealCode, disk: Disk): string =>
  parseJournal<string>(textOn(disk, JOURNAL))
    .records.map(({ event }) => event[0])
    .join('')
const long = (letter: string) => letter.repeat(700)

/** `a` is acknowledged, `b` fails or not, `c` is written by the same writer and `d` by the next. */
const append = (more: Tree): Subject<Journal<string>> => ({
  start: { '/state': null, ...more },
  hasReserve: Object.keys(more).length > 0,
  prepare: async ({ openJournal }) => {
    const journal = await openJournal<string>(JOURNAL, now)
    await journal.append(long('a'))
    return journal
  },
  run: (_, journal) => journal.append(long('b')),
  judge: async (code, error, journal) => {
    const { disk } = code.world
    const good = error === null ? ['ab'] : ['a', 'ab']
    if (!good.includes(told(code, disk))) return `it tells ${told(code, disk)}`
    for (const state of afterPowerCut(disk))
      if (!good.includes(told(code, state))) return `after a power cut it tells ${told(code, state)}`
    await journal.append(long('c'))
    await journal.close()
    const next = await code.openJournal<string>(JOURNAL, now)
    await next.append(long('d'))
    await next.close()
    const wanted = error === null ? 'abcd' : 'acd'
    for (const state of [disk, ...afterPowerCut(disk)])
      if (told(code, state) !== wanted) return `${told(code, state)}, wanted ${wanted}`
    return null
  }
})

/** A journal with a torn last record is opened. What closing it says does not matter: all is on the disk by then. */
const opening: Subject<void> = {
  start: { '/state': null },
  hasReserve: false,
  prepare: async (code) => {
    const journal = await code.openJournal<string>(JOURNAL, now)
    await journal.append('a')
    await journal.close()
    const file = code.world.disk.find(JOURNAL) ?? -1
    code.world.disk.do({ type: 'write', file, at: 300, bytes: Buffer.from('{"torn') })
  },
  run: async ({ openJournal }) => (await openJournal(JOURNAL, now)).close().catch(() => {}),
  judge: async (code) => {
    if (told(code, code.world.disk) !== 'a') return `it tells ${told(code, code.world.disk)}`
    const journal = await code.openJournal<string>(JOURNAL, now)
    await journal.append('b')
    await journal.close()
    return told(code, code.world.disk) === 'ab' ? null : 'the next record is lost'
  }
}

const ROOT = '/state/operations'

/**
 * After a failure there is no operation, on the disk at most a whole one; and another is admitted. Where nothing can be
 * changed any more a whole one may stand.
 */
const admitting: Subject<void> = {
  start: { '/state': null },
  hasReserve: false,
  prepare: async () => {},
  run: ({ admit }) => admit(ROOT, admission, now),
  judge: async (code, error, _, { once }) => {
    const { disk } = code.world
    const ids = await code.listOperations(ROOT)
    if (error === null ? ids.length !== 1 : ids.length > (once ? 0 : 1))
      return `${ids.length} operations after ${error}`
    for (const state of afterPowerCut(disk)) {
      code.world.begin(state)
      for (const id of await code.listOperations(ROOT)) await code.readOperation(ROOT, id)
    }
    code.world.begin(disk)
    if (ids.length === 1) return null
    const { accepted } = await code.admit(ROOT, admission, now)
    await code.removeLeftovers(ROOT)
    const left = [...(disk.names.get(disk.find(ROOT) ?? -1)?.keys() ?? [])]
    return left.join() === accepted.id ? null : `left over: ${left}`
  }
}

const subjects: Record<string, (code: RealCode) => Promise<Result>> = {
  'a state file': (code) => failEveryCall(code, stateFile({})),
  'a state file beside a reserve': (code) => failEveryCall(code, stateFile({ '/state/reserve': reserve })),
  'an append': (code) => failEveryCall(code, append({})),
  'an append beside a reserve': (code) => failEveryCall(code, append({ '/state/reserve': reserve })),
  'the opening of a journal': (code) => failEveryCall(code, opening),
  'an admission': (code) => failEveryCall(code, admitting)
}

for (const [name, survive] of Object.entries(subjects))
  t.test(`${name} survives the failure of any call`, async (t) => {
    const { runs, complaints } = await survive(await realCodeOn(t))
    t.same(complaints, [])
    t.comment(`${runs} runs`)
    t.ok(runs > 20, 'calls failed')
  })
