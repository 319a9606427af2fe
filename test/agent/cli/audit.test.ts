import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { auditVerify, verifyJournal } from '../../../agent/cli/audit.ts'
import { runAgentCli } from '../../../agent/cli/program.ts'
import { parseSettings } from '../../../agent/config/settings.ts'
import { openJournal } from '../../../agent/journal/journal.ts'
import type { Event } from '../../../agent/operation/events.ts'
import type { AuditWitness } from '../../../agent/platform/platform.ts'
import type { ProfileName } from '../../../shared/api/profile.ts'
import type { Phase } from '../../../shared/operation/phase.ts'

const accepted = (id: string, profile: ProfileName = 'system'): Event => ({
  type: 'accepted',
  id,
  kind: 'activate',
  profile,
  target: { number: null, storePath: `/nix/store/${'a'.repeat(32)}-nixos-system` },
  confirm: { by: 'connection', windowSeconds: 60 },
  principal: 'operate',
  reason: 'why',
  idempotency: null
})
const moved = (to: Phase): Event => ({ type: 'moved', to, reason: `to ${to}` })
const committed = (['fetching', 'checking', 'arming', 'activating', 'verifying'] as const)
  .map(moved)
  .concat((['confirming', 'committing', 'committed'] as const).map(moved))
const id = (n: number) => `2026010${n}T030405678Z-1a2b3c4d`

/** Writes an operation with the journal's own writer, and gives the lines. */
async function written(
  root: string,
  n: number,
  events: readonly Event[],
  now: (seq: number) => { bootId: string; monotonicMs: number } = (seq) => ({ bootId: 'b', monotonicMs: seq })
): Promise<string[]> {
  await mkdir(join(root, id(n)), { recursive: true })
  const path = join(root, id(n), 'journal.jsonl')
  let seq = 0
  const journal = await openJournal<Event>(path, () => ({ at: '2026-01-01T00:00:00.000Z', ...now(seq++) }))
  for (const event of events) await journal.append(event)
  await journal.close()
  return (await readFile(path, 'utf8')).trimEnd().split('\n')
}
const text = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('')

t.test('an operation that has ended is ok, with the hash that can be kept elsewhere', async (t) => {
  const lines = await written(t.testdir(), 1, [accepted(id(1)), ...committed])
  const { hash } = JSON.parse(lines.at(-1) ?? '') as { hash: string }
  t.match(verifyJournal(id(1), text(lines)), { verdict: 'ok', records: 9, head: hash, phase: 'committed' })
})

t.test('every way of tampering with one journal is found, with its line', async (t) => {
  const dir = t.testdir()
  const lines = await written(dir, 1, [accepted(id(1)), ...committed])
  const other = await written(dir, 2, [accepted(id(2)), ...committed])
  const line = (n: number, from: readonly string[] = lines) => from[n - 1] ?? ''
  const without = (n: number) => lines.toSpliced(n - 1, 1)
  const cases: [string, readonly string[], number, RegExp][] = [
    ['a word changed', lines.with(3, line(4).replace('to arming', 'to Arming')), 4, /was changed/],
    ['a hash changed', lines.with(8, line(9).replace(/"hash":"./, '"hash":"x')), 9, /was changed/],
    ['no JSON any more', lines.with(3, line(4).slice(0, -1)), 4, /cannot be read/],
    ['a line that is no record', lines.with(3, '7'), 4, /no record/],
    ['the first removed', without(1), 1, /record 1 was removed/],
    ['one removed', without(4), 4, /record 4 was removed/],
    ['two exchanged', [...lines.slice(0, 3), line(5), line(4), ...lines.slice(5)], 4, /record 4 was removed/],
    ['one twice', lines.toSpliced(4, 0, line(4)), 5, /record 4 stands here again/],
    ['one of another journal', lines.with(3, line(4, other)), 4, /another journal/],
    ['the journal of another operation', other, 1, /it is of operation 20260102/],
    [
      'something added to a line',
      lines.with(3, line(4).replace('}', ',"x":1}')),
      4,
      /was changed|not as it was/
    ],
    [
      'a lie that is in no hash',
      lines.with(8, line(9).replace('"event":', '"event":{"type":"moved","to":"rolled-back"},"event":')),
      9,
      /not as it was written/
    ],
    ['a space', lines.with(8, `${line(9)} `), 9, /not as it was written/],
    ['something behind the end', [...lines, ''], 10, /cannot be read/],
    ['nothing left', [], 1, /no whole record/]
  ]
  for (const [what, bad, at, problem] of cases) {
    const found = verifyJournal(id(1), text(bad))
    t.match(found, { verdict: 'broken', line: at, problem }, what)
    t.equal(found.records, at - 1, `${what}: the records before it are whole`)
  }
  const torn = verifyJournal(id(1), `${text(lines)}{"seq":9`)
  t.match(torn, { verdict: 'broken', line: 10, problem: /behind the end/ }, 'half a record behind the end')
})

t.test('no byte of a journal can be changed unseen', async (t) => {
  const whole = text(await written(t.testdir(), 1, [accepted(id(1)), moved('refused')]))
  for (let at = 0; at < whole.length; at++) {
    const bad = `${whole.slice(0, at)}${whole[at] === 'x' ? 'y' : 'x'}${whole.slice(at + 1)}`
    if (verifyJournal(id(1), bad).verdict === 'ok') t.fail(`changed at byte ${at}`)
  }
  for (let length = 0; length < whole.length; length++)
    if (verifyJournal(id(1), whole.slice(0, length)).verdict === 'ok') t.fail(`cut at byte ${length}`)
  t.pass(`${whole.length} bytes`)
})

t.test('a chain that is whole and tells what cannot be is found', async (t) => {
  const dir = t.testdir()
  const check = async (n: number, events: readonly Event[], now?: Parameters<typeof written>[3]) =>
    verifyJournal(id(n), text(await written(dir, n, events, now)))
  const cases: [string, Event[], number, RegExp][] = [
    ['no way there', [accepted(id(1)), moved('fetching'), moved('committed')], 3, /no way from fetching/],
    ['not accepted', [moved('fetching')], 1, /does not begin with accepted/],
    ['accepted twice', [accepted(id(1)), accepted(id(1))], 2, /accepted stands twice/],
    [
      'on after the end',
      [accepted(id(1)), moved('refused'), { type: 'confirmed', principal: 'me' }],
      3,
      /had ended before/
    ],
    ['unknown', [accepted(id(1)), { type: 'forged' } as unknown as Event], 2, /unknown event "forged"/],
    ['no event', [accepted(id(1)), null as unknown as Event], 2, /unknown event/]
  ]
  for (const [what, events, line, problem] of cases) {
    t.match(await check(1, events), { verdict: 'broken', line, problem }, what)
    await rm(join(dir, id(1)), { recursive: true })
  }
  const events = [accepted(id(1)), moved('fetching'), moved('checking')]
  const backwards = await check(1, events, (seq) => ({ bootId: 'b', monotonicMs: 10 - seq }))
  t.match(backwards, { verdict: 'broken', line: 2, problem: /older than the record before/ })
  await rm(join(dir, id(1)), { recursive: true })
  const again = await check(1, events, (seq) => ({ bootId: seq === 1 ? 'c' : 'b', monotonicMs: seq }))
  t.match(again, { verdict: 'broken', line: 3, problem: /a boot that was over/ })
  await rm(join(dir, id(1)), { recursive: true })
  const rebooted = await check(1, events, (seq) => ({ bootId: seq === 0 ? 'b' : 'c', monotonicMs: 9 - seq }))
  t.match(
    rebooted,
    { verdict: 'broken', line: 3 },
    'the clock of a new boot begins anew, and does not go back'
  )
})

/** The command on a state directory, with what systemd would tell. */
async function audit(
  state: string,
  witness: Partial<{ runner: string; runners: Partial<Record<ProfileName, string>>; activated: string[] }>,
  wanted?: string
) {
  let out = ''
  const take = (line: string) => {
    out += line
  }
  const terminal = { out: take, err: () => {} }
  const settings = parseSettings(JSON.stringify({ stateDirectory: state }), 'test')
  const fake: AuditWitness = {
    source: "systemd's journal",
    runner: async (profile) => witness.runners?.[profile] ?? witness.runner ?? '',
    activated: async (asked) => (witness.activated ?? []).filter(asked)
  }
  const code = await auditVerify({ settings, config: null, json: false, terminal }, wanted, fake)
  return { code, out }
}

t.test('one line for each operation, and a summary', async (t) => {
  const state = t.testdir()
  const root = join(state, 'operations')
  for (const n of [1, 2, 3]) await written(root, n, [accepted(id(n)), ...committed])
  t.same(await audit(state, {}), {
    code: 0,
    out: `${[1, 2, 3].map((n) => `${id(n)}  ok: 9 records, committed\n`).join('')}3 operations: 3 ok\n`
  })
  t.match(await audit(state, {}, id(2)), { code: 0, out: /^\S+ {2}ok.*\n1 operation: 1 ok\n$/ })
  await t.rejects(audit(state, {}, id(9)), { code: 'operation-unknown' })

  const second = join(root, id(2), 'journal.jsonl')
  const lines = (await readFile(second, 'utf8')).trimEnd().split('\n')
  await t.test('cut behind a whole record, while later operations exist', async (t) => {
    await writeFile(second, text(lines.slice(0, 8)))
    t.match(await audit(state, {}), { code: 1, out: /-1a2b3c4d {2}broken at line 9: its end was cut off/ })
  })
  await t.test('the journal removed, its directory removed', async (t) => {
    await rm(second)
    t.match(await audit(state, {}), { code: 1, out: /20260102\S+ {2}broken at line 1: the journal cannot/ })
    await rm(join(root, id(2)), { recursive: true })
    t.match(await audit(state, {}), { code: 0 }, 'nothing is left that could tell')
    const told = { activated: [id(2), `20250101T000000000Z-1a2b3c4d`] }
    const found = await audit(state, told)
    t.match(found, { code: 1, out: /20260102\S+ {2}missing: it activated/ }, "but systemd's journal")
    t.notMatch(found.out, /2025/, 'the oldest are removed when there are too many')
    t.match(await audit(state, told, id(2)), { code: 1, out: /missing/ })
  })
  await t.test('the newest cut behind a whole record', async (t) => {
    const newest = join(root, id(3), 'journal.jsonl')
    const whole = (await readFile(newest, 'utf8')).trimEnd().split('\n')
    await writeFile(newest, text(whole.slice(0, 8)))
    const found = await audit(state, {})
    t.match(found, { code: 1, out: /20260103\S+ {2}unfinished: 8 records, committing, and nothing works/ })
    t.match(found.out, /2 operations: 1 ok, 1 unfinished\n$/)
    t.match(await audit(state, { runner: id(3) }), { code: 0, out: /ok: 8 records, committing/ })
    t.match(await audit(state, { runner: id(1) }), { code: 1 }, 'a runner of another')
  })
})

t.test(
  'operations on several profiles are under way at the same time, each with a runner of its own',
  async (t) => {
    const state = t.testdir()
    const root = join(state, 'operations')
    await written(root, 1, [accepted(id(1), 'home:alice'), moved('fetching')])
    await written(root, 2, [accepted(id(2), 'system'), ...committed])
    await written(root, 3, [accepted(id(3), 'home:bob'), moved('fetching')])
    const runners = { 'home:alice': id(1), 'home:bob': id(3) }
    t.match(await audit(state, { runners }), { code: 0, out: /3 operations: 3 ok/ })
    t.match(await audit(state, { runners: { ...runners, 'home:alice': '' } }), {
      ...{ code: 1, out: /20260101\S+ {2}unfinished/ }
    })
    await written(root, 4, [accepted(id(4), 'home:alice'), ...committed])
    t.match(await audit(state, { runners }), {
      code: 1,
      out: /20260101\S+ {2}broken at line 3: its end was cut off/
    })
  }
)

t.test('no operations is nothing wrong, but not when there were some', async (t) => {
  const state = t.testdir()
  t.same(await audit(state, {}), { code: 0, out: 'no operations\n' })
  t.match(await audit(state, { activated: [id(1)] }), { code: 1, out: /missing/ })
})

t.test('the command line: JSON, usage, and what cannot be found', async (t) => {
  const state = t.testdir({ 'c.json': '{}' })
  await written(join(state, 'operations'), 1, [accepted(id(1)), ...committed])
  await writeFile(join(state, 'c.json'), JSON.stringify({ stateDirectory: state }))
  const run = async (...argv: string[]) => {
    let out = ''
    const take = (line: string) => {
      out += line
    }
    return {
      code: await runAgentCli(['--config', join(state, 'c.json'), ...argv], { out: take, err: take }),
      out
    }
  }
  const { code, out } = await run('--json', 'audit', 'verify', id(1))
  t.equal(code, 0)
  t.match(JSON.parse(out), {
    ok: true,
    operations: [{ id: id(1), verdict: 'ok', records: 9, head: /^[0-9a-f]{64}$/ }]
  })
  t.match(await run('audit', 'verify', '../../etc'), { code: 2, out: /identity of an operation/ })
  t.match(await run('audit', 'verify', id(7)), { code: 1, out: /no operation/ })
  t.match(await run('audit', 'verify', '--help'), { code: 0, out: /write a whole journal anew/ })
})
