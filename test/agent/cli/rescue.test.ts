import { mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { runAgentCli } from '../../../agent/cli/program.ts'
import { rescue as page } from '../../../agent/cli/views/rescue.ts'
import type { Settings } from '../../../agent/config/settings.ts'
import { parseSettings } from '../../../agent/config/settings.ts'
import { openJournal, readJournal } from '../../../agent/journal/journal.ts'
import type { Observed } from '../../../agent/operation/drift.ts'
import type { Event } from '../../../agent/operation/events.ts'
import { foldOperation } from '../../../agent/operation/state.ts'
import { nixosWay } from '../../../agent/platform/nixos/rescue.ts'
import type { Hands, Progress } from '../../../agent/rescue/carry-out.ts'
import { carryOut } from '../../../agent/rescue/carry-out.ts'
import type { Evidence } from '../../../agent/rescue/evidence.ts'
import { gather } from '../../../agent/rescue/evidence.ts'
import { keepLoginMessage, keepRescueScript } from '../../../agent/rescue/keep.ts'
import { motd } from '../../../agent/rescue/motd.ts'
import { planRescue } from '../../../agent/rescue/plan.ts'
import { runCommand } from '../../../shared/command.ts'
import type { Phase } from '../../../shared/operation/phase.ts'

const nixos = nixosWay('/nonexistent')

/** A store path by one letter. */
const system = (letter: string) => `/nix/store/${letter.repeat(32)}-nixos-system-cinnabar`
const [older, baseline, candidate] = [system('a'), system('b'), system('c')]
const id = '20260102T030405678Z-1a2b3c4d'
const accepted: Event = {
  type: 'accepted',
  id,
  kind: 'activate',
  profile: 'system',
  target: { number: null, storePath: candidate },
  confirm: { by: 'connection', windowSeconds: 60 },
  principal: 'operate',
  reason: null,
  idempotency: null
}
const moved = (to: Phase): Event => ({ type: 'moved', to, reason: `to ${to}` })
const before: Event = {
  type: 'baseline',
  generation: { number: 41, storePath: baseline },
  profile: { number: 41, storePath: baseline },
  failedUnits: []
}
const way: readonly Event[] = [accepted, moved('fetching'), moved('checking'), before, moved('arming')]
const to = (...phases: Phase[]) => [...way, ...phases.map(moved)]
const stuck = to('activating', 'verifying', 'rolling-back', 'stuck')

interface Made {
  readonly journal?: readonly Event[]
  readonly knownGood?: unknown
  readonly links?: Readonly<Record<number, string>>
  readonly profile?: number
  readonly roots?: Readonly<Record<string, string>>
}

/** A host's files in a directory, with what the rescue reads of them. */
async function host(dir: string, made: Made) {
  const at = (...names: string[]) => join(dir, ...names)
  for (const each of ['state', 'roots', 'profiles', 'boot/loader/entries'])
    await mkdir(at(each), { recursive: true })
  const links = made.links ?? { 40: older, 41: baseline }
  for (const [number, path] of Object.entries(links)) {
    await symlink(path, at('profiles', `system-${number}-link`))
    const entry = `title NixOS\nversion Generation ${number} x, built on 2026-01-01\noptions init=${path}/init quiet\n`
    await writeFile(at('boot/loader/entries', `${number}.conf`), entry)
  }
  await symlink(`system-${made.profile ?? 41}-link`, at('profiles/system'))
  for (const [name, path] of Object.entries(made.roots ?? {})) await symlink(path, at('roots', name))
  const file = at('state/operations', id, 'journal.jsonl')
  if (made.journal) {
    await mkdir(at('state/operations', id), { recursive: true })
    const journal = await openJournal<Event>(file, () => ({
      at: '2026-01-01T00:00:00.000Z',
      bootId: 'b',
      monotonicMs: 1
    }))
    for (const event of made.journal) await journal.append(event)
    await journal.close()
  }
  const good = made.knownGood ?? {
    generations: [baseline, older].map((storePath) => ({ number: null, storePath }))
  }
  await writeFile(at('state/known-good.json'), typeof good === 'string' ? good : JSON.stringify(good))
  const settings = parseSettings(
    JSON.stringify({
      hostName: 'cinnabar',
      stateDirectory: at('state'),
      gcRootsDirectory: at('roots'),
      profile: at('profiles/system'),
      bootDirectory: at('boot')
    }),
    'test'
  )
  return { at, settings, file, directory: at('state/operations', id) }
}

const running = (path: string | null, evidence: Evidence): Evidence => ({
  ...evidence,
  seen: { ...evidence.seen, running: path }
})
const evidenceOf = async (settings: Settings, runs: string | null, gone: readonly string[] = []) =>
  running(runs, await gather(settings, { ...nixos, isSwitchable: async (path) => !gone.includes(path) }))
const planOf = async (settings: Settings, runs: string | null, gone?: readonly string[]) =>
  planRescue(await evidenceOf(settings, runs, gone), settings, nixos)

t.test('an operation that is stuck: where it goes back to by itself, in four commands', async (t) => {
  const { at, settings } = await host(t.testdir(), { journal: stuck })
  const plan = await planOf(settings, candidate)
  t.match(plan, {
    needed: true,
    target: { number: 41, storePath: baseline },
    chosen: { number: 41, storePath: baseline },
    why: `operation ${id} goes back to it`,
    operation: { id, phase: 'stuck', itsOwnWay: true },
    bootEntry: 'NixOS (Generation 41 x, built on 2026-01-01)'
  })
  t.same(
    plan?.steps.map(({ command }) => command),
    [
      "systemctl stop belay-agent.service belay-operation.service 'belay-guard-*' nixos-rebuild-switch-to-configuration.service",
      `ln -sfn system-41-link ${at('profiles/system')}`,
      `${at('profiles/system-41-link')}/bin/switch-to-configuration boot`,
      `${at('profiles/system-41-link')}/bin/switch-to-configuration test`
    ]
  )
})

t.test('by whatever is left to tell it', async (t) => {
  const dir = t.testdir()
  const cases: [string, Made, string | null, readonly string[], string, RegExp][] = [
    ['known good, newest', {}, candidate, [], baseline, /newest other generation/],
    ['known good, not what runs', {}, baseline, [], older, /newest other generation/],
    ['known good, not what is gone', {}, candidate, [baseline], older, /newest other generation/],
    [
      'known-good list broken, a root',
      { knownGood: '{', roots: { 'last-known-good': older } },
      candidate,
      [],
      older,
      /garbage/
    ],
    [
      'no lists, the journal of an operation',
      { knownGood: '{', journal: to('activating', 'verifying', 'rolling-back', 'rolled-back') },
      older,
      [],
      baseline,
      /ran before an earlier/
    ],
    ['nothing but the profile', { knownGood: '' }, candidate, [], baseline, /the system profile names it/],
    [
      'nothing but the generations',
      { knownGood: '', profile: 41 },
      baseline,
      [],
      older,
      /the generation before/
    ],
    ['nobody knows what runs', {}, null, [], baseline, /newest other generation/],
    [
      'the baseline of an operation is gone',
      { journal: stuck },
      candidate,
      [baseline],
      older,
      /newest other generation/
    ],
    [
      'no state, the root of a baseline',
      { knownGood: '', roots: { baseline } },
      candidate,
      [],
      baseline,
      /has not ended/
    ]
  ]
  for (const [what, made, runs, gone, wanted, why] of cases) {
    const { settings } = await host(join(dir, what.replace(/\W/g, '-')), made)
    t.match(await planOf(settings, runs, gone), { target: { storePath: wanted }, why }, what)
  }
  const { at, settings } = await host(join(dir, 'none'), {})
  t.equal(await planOf(settings, candidate, [baseline, older]), null, 'nothing is left')
  await rm(at('state'), { recursive: true })
  t.match(await planOf(settings, candidate), { target: { storePath: baseline } }, 'no state directory')
  await writeFile(at('state'), 'a file')
  t.match(await planOf(settings, candidate), { target: { storePath: baseline } }, 'a file in its place')
})

t.test('a list that names what is no store path is not obeyed', async (t) => {
  const knownGood = { generations: [{ number: 1, storePath: '/tmp/$(reboot)' }] }
  const { settings } = await host(t.testdir(), { knownGood })
  const evidence = await evidenceOf(settings, candidate)
  t.match(evidence.notes, [/no store path/])
  t.match(planRescue(evidence, settings, nixos), { target: { storePath: baseline } })
})

t.test('a damaged journal: what it said before it broke, else what the guard was given', async (t) => {
  const { file, directory, settings } = await host(t.testdir(), { journal: stuck, knownGood: '{' })
  const lines = (await readFile(file, 'utf8')).split('\n')
  await writeFile(file, lines.toSpliced(6, 1, 'x').join('\n'))
  const salvaged = await evidenceOf(settings, candidate)
  t.match(salvaged, { unfinished: null, unreadable: [id], baselines: [{ number: 41, storePath: baseline }] })
  t.match(
    salvaged.notes.join('\n'),
    /known-good list cannot be used.*\n.*operation 20260102\S+ cannot be read/
  )
  t.match(planRescue(salvaged, settings, nixos), { target: { storePath: baseline }, needed: false })
  await writeFile(file, 'x\ny\n')
  t.match((await evidenceOf(settings, candidate)).baselines, [])
  await writeFile(join(directory, 'baseline'), `${older}\n`)
  t.match((await evidenceOf(settings, candidate)).baselines, [{ storePath: older }])
})

t.test('whether it is needed: something is unfinished, and has changed the host', async (t) => {
  const dir = t.testdir()
  const needed = async (name: string, made: Made) => {
    const { settings } = await host(join(dir, name), made)
    return (await planOf(settings, candidate))?.needed
  }
  t.equal(await needed('nothing', {}), false)
  t.equal(
    await needed('ended', { journal: to('activating', 'rolling-back', 'rolled-back'), roots: { baseline } }),
    false
  )
  t.equal(await needed('early', { journal: way }), false)
  t.equal(await needed('earlier', { journal: way.slice(0, 3), roots: { baseline } }), false)
  t.equal(await needed('late', { journal: to('activating') }), true)
  t.equal(await needed('unseen', { knownGood: '', roots: { baseline } }), true)
})

t.test('what keeps the operation from going on elsewhere', async (t) => {
  const dir = t.testdir()
  const commands = async (name: string, journal: readonly Event[], generation?: number) => {
    const { settings, directory } = await host(join(dir, name), { journal })
    const plan = planRescue(await evidenceOf(settings, candidate), settings, nixos, generation)
    return { names: plan?.steps.map((step) => step.name), command: plan?.steps[1]?.command, directory }
  }
  const rest = ['choose', 'boot', 'switch']
  t.same((await commands('back', stuck)).names, ['stop', ...rest])
  for (const phases of [['activating'], ['activating', 'verifying', 'confirming', 'committing']] as const) {
    const { names, command, directory } = await commands(phases.join(), to(...phases))
    t.same(names, ['stop', 'cancel', ...rest], `${phases.at(-1)}: by itself it would go on`)
    t.equal(command, `echo '{}' >${directory}/cancel.json`)
  }
  t.same((await commands('early', way, 40)).names, ['stop', 'cancel', ...rest], 'it would begin')
  const other = await commands('other', stuck, 40)
  t.same(other.names, ['stop', 'set-aside', ...rest], 'it would go to its own baseline')
  t.match(other.command, /^mv .*1a2b3c4d .*1a2b3c4d\.set-aside$/)
})

t.test('a system without a generation gets one; a profile that named another keeps it', async (t) => {
  const dir = t.testdir()
  const { at, settings } = await host(join(dir, 'first'), {
    journal: stuck,
    links: { 40: older, 43: candidate },
    profile: 43
  })
  const plan = await planOf(settings, candidate)
  t.equal(plan?.chosen.number, 44)
  t.same(
    plan?.steps.slice(1, 3).map(({ command }) => command),
    [`ln -s ${baseline} ${at('profiles/system-44-link')}`, `ln -sfn system-44-link ${at('profiles/system')}`]
  )
  const profile: Event = { ...before, profile: { number: 40, storePath: older } }
  const drifted = await host(join(dir, 'drifted'), {
    journal: stuck.map((e) => (e === before ? profile : e))
  })
  const apart = await planOf(drifted.settings, candidate)
  t.match(apart, { target: { storePath: baseline }, chosen: { number: 40, storePath: older } })
  t.same(
    apart?.steps.slice(-2).map(({ command }) => command.split(' ').at(-1)),
    ['boot', 'test']
  )
  t.match(apart?.steps.at(-2)?.command, /system-40-link/)
  t.match(apart?.steps.at(-1)?.command, baseline)
})

t.test('the line of the boot menu is that of the generation', async (t) => {
  const { settings } = await host(t.testdir(), {
    links: { 39: older, 40: baseline, 41: baseline, 42: candidate }
  })
  const labels = (await planOf(settings, candidate))?.bootEntry
  t.equal(labels, 'NixOS (Generation 41 x, built on 2026-01-01)')
  t.match(await planOf(settings, candidate), { chosen: { number: 41 } })
})

t.test('a generation that a person names', async (t) => {
  const dir = t.testdir()
  const { settings } = await host(join(dir, 'first'), { journal: stuck })
  const evidence = await evidenceOf(settings, candidate, [older])
  t.match(planRescue(evidence, settings, nixos, 41), {
    target: { storePath: baseline },
    operation: { itsOwnWay: true }
  })
  t.throws(() => planRescue(evidence, settings, nixos, 40), { code: 'path-not-valid' })
  t.throws(() => planRescue(evidence, settings, nixos, 7), { code: 'generation-unknown', wanted: [40, 41] })
})

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

t.test('the page for a person', async (t) => {
  const { settings } = await host(t.testdir(), { journal: stuck })
  const evidence = await evidenceOf(settings, candidate)
  const plan = planRescue(evidence, settings, nixos)
  if (plan === null) throw new Error('no plan')
  const text = page({
    hostName: 'cinnabar',
    seen: evidence.seen,
    unreadable: [],
    plan,
    lastResort: nixos.hints.lastResort(plan),
    script: '/s/rescue.sh'
  })
  t.match(text, /^cinnabar: operation 20260102\S+ is stuck: to stuck\n/)
  t.match(text, /1\. Stop .*\n\n {4}systemctl stop /)
  t.match(text, /4\. Start it:\n\n {4}.*\/system-41-link\/bin\/switch-to-configuration test\n/)
  t.match(text, /Or in one: belay-agent rescue --run\nWithout Node: sh \/s\/rescue\.sh\n/)
  t.match(text, /choose "NixOS \(Generation 41 x, built on 2026-01-01\)" in the boot menu/)
  t.match(text, /the agent closes operation/)
})

t.test('the message at login: while stuck or unreadable, and no longer', async (t) => {
  const { at, settings } = await host(t.testdir(), { journal: stuck })
  const plan = await planOf(settings, candidate)
  const lastResort = nixos.hints.lastResort(plan)
  const state = {
    hostName: 'cinnabar',
    stuck: null,
    unreadable: [],
    plan,
    lastResort,
    script: '/s/rescue.sh'
  }
  t.equal(motd(state), null)
  const text = motd({ ...state, stuck: { id, reason: 'a\u001b[31m\nb' } })
  t.match(text, /cinnabar needs a person/)
  t.match(text, /\n {2}sh \/s\/rescue\.sh\n/)
  t.match(text, /\n {2}ln -sfn system-41-link /)
  t.match(text, /"NixOS \(Generation 41/)
  t.notMatch(text, '\u001b')
  t.match(motd({ ...state, unreadable: ['x'] }), /journal of operation x cannot be read[\s\S]*as root:/)
  t.match(motd({ ...state, unreadable: ['x'], plan: null }), /boot menu/)

  const message = at('motd.d/belay')
  const unfinished = (await evidenceOf(settings, candidate)).unfinished
  if (unfinished === null) throw new Error('nothing is unfinished')
  await keepLoginMessage(settings, nixos, { operations: [unfinished], unreadable: [] }, message)
  t.match(await readFile(message, 'utf8'), /needs a person/)
  t.same(await readdir(at('motd.d')), ['belay'], 'nothing beside it, which would be shown as well')
  await keepLoginMessage(
    settings,
    nixos,
    { operations: [{ ...unfinished, phase: 'rolled-back' }], unreadable: [] },
    message
  )
  t.same(await readdir(at('motd.d')), [])
  await keepLoginMessage(settings, nixos, undefined, message)
  t.match(await readFile(message, 'utf8'), new RegExp(`operation ${id}`), 'who has not looked yet')
  await rm(at('state/operations'), { recursive: true })
  await keepLoginMessage(settings, nixos, undefined, message)
  t.same(await readdir(at('motd.d')), [])
})

t.test(
  'the script is kept: from the arming to the baseline, after the end to what is known good',
  async (t) => {
    const { at, settings } = await host(t.testdir(), { journal: way })
    const kept = async (runs: string) => {
      await keepRescueScript(settings, nixos, '2026-01-01T00:00:00.000Z', await evidenceOf(settings, runs))
      return readFile(at('state/rescue.sh'), 'utf8')
    }
    const armed = await kept(baseline)
    t.match(armed, `chosen='${baseline}'`)
    t.match(armed, `operation='${at('state/operations', id)}'`)
    t.match(armed, `targets='${baseline}\n${older}'`)
    await rm(at('state/operations'), { recursive: true })
    const settled = await kept(candidate)
    t.match(settled, `chosen='${baseline}'`)
    t.match(settled, "operation=''")
    t.match(await kept(baseline), `chosen='${older}'`)
  }
)

t.test('the command line, with everything gone', async (t) => {
  const { at, settings } = await host(t.testdir({ 'broken.json': '{' }), {})
  const run = async (...argv: string[]) => {
    let out = ''
    const take = (text: string) => {
      out += text
    }
    return { code: await runAgentCli(argv, { out: take, err: take }), out }
  }
  await writeFile(at('c.json'), JSON.stringify(settings))
  // The systems of this host are in no store: there is no way back, and that is said.
  t.match(await run('--config', at('c.json'), 'rescue'), {
    code: 1,
    out: /No way back is known here.*boot menu/
  })
  const nothing = await run('--config', at('c.json'), '--json', 'rescue', '--run')
  t.match(nothing, { code: 1, out: /"plan":null/ })
  t.match(await run('--config', at('broken.json'), 'rescue'), {
    out: /Going on with the default configuration/
  })
  t.match(await run('--config', at('c.json'), 'rescue', '--generation', 'x'), { code: 2 })
  t.match(await run('--config', at('c.json'), 'rescue', '--generation', '40'), {
    code: 1,
    out: /not in the store/
  })
  t.equal(await readlink(at('profiles/system')), 'system-41-link')
})

t.test('quoted for a shell', async (t) => {
  const { quoted } = await import('../../../agent/rescue/quote.ts')
  const words = ['echo', 'a b', "it's", '$x', '*', '', 'plain/1.2_@%+=:,-']
  const { stdout } = await runCommand(['sh', '-c', `printf '%s\\n' ${quoted(words)}`], { timeoutMs: 5000 })
  t.same(stdout.split('\n'), words)
})
