import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { openJournal, readJournal } from '../../../agent/journal/journal.ts'
import type { Observed } from '../../../agent/operation/drift.ts'
import type { Event } from '../../../agent/operation/events.ts'
import { foldOperation } from '../../../agent/operation/state.ts'
import type { Hands, Progress } from '../../../agent/rescue/carry-out.ts'
import { carryOut } from '../../../agent/rescue/carry-out.ts'
import { planRescue } from '../../../agent/rescue/plan.ts'
import {
  baseline,
  candidate,
  evidenceOf,
  host,
  id,
  moved,
  nixos,
  older,
  planOf,
  stuck
} from './rescued-host.ts'

/** Hands that write down what they were asked to do. */
function hands(dir: string, seen: Partial<Observed>, code: (argv: readonly string[]) => number = () => 0) {
  const asked: string[] = []
  const log = join(dir, 'rescue.log')
  const made: Hands = {
    run: async (argv) => {
      asked.push(argv.join(' '))
      if (argv[0] === 'systemd-run' && code(argv) !== 77) await writeFile(log, 'switched\n')
      return { code: code(argv), stdout: '', stderr: '', timedOut: false }
    },
    observe: async () => ({
      ...{ profile: 'system', number: 41, booted: null, drift: false },
      ...{ storePath: baseline, running: baseline, bootDefault: baseline },
      ...seen
    }),
    log
  }
  return { made, asked }
}

async function rescued(
  dir: string,
  journal: readonly Event[],
  of: { seen?: Partial<Observed>; code?: (argv: readonly string[]) => number; generation?: number } = {}
) {
  const h = await host(dir, { journal })
  const plan = planRescue(await evidenceOf(h.settings, candidate), h.settings, nixos, of.generation)
  if (plan === null) throw new Error('no plan')
  const { made, asked } = hands(dir, of.seen ?? {}, of.code)
  const told: Progress[] = []
  const tell = (progress: Progress) => void told.push(progress)
  const end = await carryOut({ plan, way: nixos, settings: h.settings, unreadable: [], hands: made, tell })
  return { ...h, plan, asked, told, end }
}

t.test('--run carries the steps out, under the name of the runner', async (t) => {
  const { at, asked, told, end, file, directory } = await rescued(t.testdir(), stuck)
  t.match(end, { ok: true, left: [/The agent closes operation/] })
  const link = at('profiles/system-41-link')
  t.match(asked, [
    /^systemctl stop belay-agent\.service belay-operation\.service belay-guard-\* nixos-/,
    `ln -sfn system-41-link ${at('profiles/system')}`,
    `${link}/bin/switch-to-configuration boot`,
    /^systemd-run --unit=belay-operation\.service .* -- .*system-41-link\/bin\/switch-to-configuration test$/,
    /^sync/,
    'systemctl start belay-agent.service',
    /is-active/
  ])
  t.ok(told.some((each) => each.type === 'output' && each.line === 'switched'))
  t.match(JSON.parse(await readFile(join(directory, 'retry.json'), 'utf8')), { target: null })
  t.match(JSON.parse(await readFile(join(directory, 'cancel.json'), 'utf8')), { word: 'cancel' })
  t.equal((await readJournal(file)).length, stuck.length, 'it goes there by itself')
})

t.test('to another generation: the operation goes there as well', async (t) => {
  const seen = { running: older, storePath: older, bootDefault: older }
  const { end, file } = await rescued(t.testdir(), stuck, { generation: 40, seen })
  t.equal(end.ok, true)
  t.match(foldOperation(await readJournal<Event>(file)), {
    phase: 'stuck',
    retarget: { number: 40, storePath: older }
  })
})

t.test('an operation that ended after the plan was made is left as it is', async (t) => {
  const dir = t.testdir()
  const h = await host(dir, { journal: stuck })
  const plan = planRescue(await evidenceOf(h.settings, candidate), h.settings, nixos, 40)
  if (plan === null) throw new Error('no plan')
  const { made } = hands(dir, { running: older, storePath: older, bootDefault: older })
  const run: Hands['run'] = async (argv, ...more) => {
    if (argv.includes('stop')) await ends()
    return await made.run(argv, ...more)
  }
  const ends = async () => {
    const now = () => ({ at: '2026-01-01T00:00:01.000Z', bootId: 'b', monotonicMs: 2 })
    const journal = await openJournal<Event>(h.file, now)
    for (const phase of ['rolling-back', 'rolled-back'] as const) await journal.append(moved(phase))
    await journal.close()
  }
  const end = await carryOut({
    plan,
    way: nixos,
    settings: h.settings,
    unreadable: [],
    hands: { ...made, run },
    tell: () => {}
  })
  t.same(end.left, [])
  t.match(foldOperation(await readJournal(h.file)), { phase: 'rolled-back', retarget: null })
  t.same(await readdir(h.directory), ['journal.jsonl'])
})

t.test('an operation that cannot be told is put aside', async (t) => {
  const dir = t.testdir()
  const h = await host(dir, { journal: stuck })
  await mkdir(join(h.directory, 'cancel.json'))
  await writeFile(join(h.directory, 'cancel.json/x'), '')
  const plan = await planOf(h.settings, candidate)
  if (plan === null) throw new Error('no plan')
  const { made } = hands(dir, {})
  const end = await carryOut({
    plan,
    way: nixos,
    settings: h.settings,
    unreadable: [],
    hands: made,
    tell: () => {}
  })
  t.equal(end.ok, true)
  t.same((await readdir(h.at('state'))).sort(), [`${id}.set-aside`, 'known-good.json', 'operations'])
})

t.test('what fails stops nothing, and what is left to do is said', async (t) => {
  const dir = t.testdir()
  const fails = (word: string, code = 1) => ({
    code: (argv: readonly string[]) => (argv.join(' ').includes(word) ? code : 0)
  })
  const boot = await rescued(join(dir, 'boot'), stuck, {
    ...fails(' boot'),
    seen: { bootDefault: candidate }
  })
  t.match(boot.end, { ok: false, left: [/boot loader does not name it/] })
  t.ok(boot.asked.some((each) => each.endsWith(' test')))
  const blind = await rescued(join(dir, 'blind'), stuck, { seen: { bootDefault: null } })
  t.match(blind.end, { ok: true, left: [/cannot be read here/] }, 'another boot loader: by the exit code')
  const neither = await rescued(join(dir, 'neither'), stuck, {
    ...fails(' boot'),
    seen: { bootDefault: null }
  })
  t.equal(neither.end.ok, false)
  const test = await rescued(join(dir, 'test'), stuck, {
    ...fails(' test'),
    seen: { running: candidate }
  })
  t.match(test.end, {
    ok: false,
    left: [/Restart the machine \(systemctl reboot\): it boots what you chose/]
  })
  t.notOk(
    test.asked.some((each) => each.includes('start belay-agent')),
    'nothing begins before the restart'
  )
  const failed = await rescued(join(dir, 'failed'), stuck, fails(' test', 4))
  t.match(failed.end, { ok: true, left: [/ended with 4/] })
  t.match(
    failed.told.find((each) => each.type === 'ended' && each.step === 'switch'),
    { code: 4, fine: true }
  )
  const unit = await rescued(join(dir, 'unit'), stuck, fails('systemd-run', 77))
  t.ok(
    unit.asked.some((each) => each.startsWith('/') && each.endsWith(' test')),
    'without a unit then'
  )
  t.equal(unit.end.ok, true)
  const link = await rescued(join(dir, 'link'), stuck, { seen: { storePath: candidate } })
  t.match(link.end, { ok: false, left: [/The profile .* does not name it/] })
  const agent = await rescued(join(dir, 'agent'), stuck, fails('is-active', 3))
  t.match(agent.end, { ok: true, left: [/The agent does not run/] })
})
