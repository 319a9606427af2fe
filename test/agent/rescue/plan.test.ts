import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { Event } from '../../../agent/operation/events.ts'
import { planRescue } from '../../../agent/rescue/plan.ts'
import type { Made } from './rescued-host.ts'
import {
  baseline,
  before,
  candidate,
  evidenceOf,
  host,
  id,
  nixos,
  older,
  planOf,
  stuck,
  to,
  way
} from './rescued-host.ts'

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
