import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { RolloutReport } from '../../controller/rollout/report.ts'
import type { CommandResult } from '../../shared/command.ts'
import { activations, journalOf, truthOf } from './deployment.ts'
import type { Fleet } from './fleet.ts'
import type { Host } from './host.ts'
import { waitFor } from './host.ts'

const MINUTE = 60_000
/** The hosts of the first story, and of the second. */
const early = ['cinnabar', 'electrum', 'galena']
const late = ['electrum', 'galena', 'stibnite']
const names = [...new Set([...early, ...late])]
const only = (hosts: readonly string[]) => hosts.flatMap((name) => ['--host', name])
/** Soak of the first host, in seconds. */
const SOAK = 15
const generationsOf = (label: string, more: Readonly<Record<string, object>> = {}) =>
  Object.fromEntries(names.map((name) => [name, { generation: label, agent: 'bundle', ...more[name] }]))

/** Moves the wall clock that the controller reads by what a file says, also while it runs. */
const shiftedClock = `import { readFileSync } from 'node:fs'
const now = Date.now
Date.now = () => now() + Number(readFileSync('/root/clock-shift', 'utf8'))
`
const shiftClock = ({ operator }: Fleet, minutes: number) =>
  writeFileSync(join(operator.root, 'root/clock-shift'), String(minutes * MINUTE))

function belay({ operator }: Fleet, ...args: string[]): Promise<CommandResult> {
  const clock = ['env', 'NODE_OPTIONS=--import=/root/clock.mjs']
  const argv = [...clock, 'belay', '--fleet', '/root/fleet.yaml', '--json', 'rollout', ...args]
  return operator.run(argv)
}

const statusOf = async (fleet: Fleet) => {
  const report = JSON.parse((await belay(fleet, 'status')).stdout) as RolloutReport
  return { ...report, of: (name: string) => report.hosts.find(({ host }) => host === name) }
}

/** Waits until a rollout that is driven by another process stands so. */
async function whenStatus(
  fleet: Fleet,
  wanted: (status: Awaited<ReturnType<typeof statusOf>>) => boolean,
  what: string
): Promise<Awaited<ReturnType<typeof statusOf>>> {
  let last: Awaited<ReturnType<typeof statusOf>> | undefined
  const asWanted = async () => {
    last = await statusOf(fleet)
    return wanted(last)
  }
  await waitFor(asWanted, what).catch((error) => {
    throw new Error(JSON.stringify({ status: last?.status, hosts: last?.hosts }, null, 1), { cause: error })
  })
  return last as Awaited<ReturnType<typeof statusOf>>
}

/** How many operations the hosts have, of any kind. */
const operations = async (fleet: Fleet, hosts: readonly string[]) => {
  const count = async (name: string) => {
    const listed = await fleet.host(name).must(['sh', '-c', 'ls /var/lib/belay/operations | wc -l'])
    return [name, Number(listed.trim())] as const
  }
  return new Map(await Promise.all(hosts.map(count)))
}
const counted = async (fleet: Fleet) =>
  new Map(await Promise.all(fleet.hosts.map(async (host) => [host.name, await activations(host)] as const)))
const begins = (host: Host, before: ReadonlyMap<string, number>) =>
  host.waitFor(async () => (await activations(host)) > (before.get(host.name) ?? 0), 'its activation')

function writePolicy({ operator }: Fleet, stages: string, more: Readonly<Record<string, string>> = {}): void {
  const host = (name: string) =>
    `  ${name}: { connection: { ssh: { host: ${name}, user: root } }${more[name] ?? ''} }\n`
  const text = `version: 1
flake: path:/root/fleet
defaults: { confirm: { windowSeconds: 120 }, push: { checkSignatures: false } }
rollout: { stages: [${stages}] }
hosts:
${names.map(host).join('')}`
  writeFileSync(join(operator.root, 'root/fleet.yaml'), text)
  writeFileSync(join(operator.root, 'root/clock.mjs'), shiftedClock)
}

/** A first host that is rebooted and watched by its own clock, then a stage whose window closes in its middle. */
export async function rebootSoakAndWindow(t: Test, fleet: Fleet): Promise<void> {
  const clock = (minutes: number) => new Date(Date.now() + minutes * MINUTE).toISOString().slice(11, 16)
  const window = `{ from: "${clock(-20)}", to: "${clock(20)}", timeZone: UTC }`
  const first = `{ name: first, select: { hosts: [cinnabar] }, mode: boot, reboot: true, soak: ${SOAK}s }`
  writePolicy(fleet, `${first}, { name: peers, select: {}, windows: [${window}] }`)
  shiftClock(fleet, 0)
  fleet.writeGenerations(generationsOf('late', { electrum: { hangSeconds: 5 } }))
  const before = await counted(fleet)
  const had = await operations(fleet, early)
  const [cinnabar, electrum, galena] = early.map((name) => fleet.host(name)) as [Host, Host, Host]
  const old = (await truthOf(galena)).running
  const wait = ['--poll', '2s', '--wait']

  const starting = belay(fleet, 'start', '--supersede', ...only(early), ...wait, '1s')
  await cinnabar.whenRebooted().catch(async (error) => {
    throw new Error((await starting).stdout, { cause: error })
  })
  t.match(await starting, { code: 5 }, 'rebooted on trial and confirmed by the rollout, then watched')
  t.match((await statusOf(fleet)).stages[0]?.because, { code: 'waiting-for-soak' })
  t.match(await truthOf(cinnabar), { running: /-late$/, profile: /-late$/, bootDefault: /-late$/ })

  await cinnabar.powerCut()
  shiftClock(fleet, 10)
  const driving = belay(fleet, 'drive', ...wait, '120s')
  await whenStatus(
    fleet,
    ({ stages: [first] }) => /cinnabar is away: its soak stands/.test(first?.because?.text ?? ''),
    'ten minutes of ours are none of its own'
  )
  t.equal(await activations(electrum), before.get('electrum'), 'so nobody has begun')
  await cinnabar.boot()
  await begins(electrum, before)
  shiftClock(fleet, 30)
  const { onSeconds } = JSON.parse(await cinnabar.must(['belay-agent', '--json', 'soak']))
  t.ok(onSeconds >= SOAK, `on for ${onSeconds} s by its own ledger`)

  const closed = await whenStatus(
    fleet,
    ({ of }) => of('electrum')?.is === 'done' && of('galena')?.reason?.code === 'waiting-for-window',
    'the window is closed'
  )
  const { is, reason } = closed.of('galena') ?? {}
  t.match({ is, reason }, { is: 'waiting', reason: { text: /window of stage peers is closed/ } })
  t.match(reason?.unblock, /^time, until /)
  const since = Date.parse(reason?.since ?? '') - Date.now()
  t.ok(since > 20 * MINUTE && since <= 30 * MINUTE, 'it waits since the window closed')
  t.equal((await truthOf(galena)).running, old, 'and is as it was')
  t.match(await truthOf(electrum), { running: /-late$/ }, 'what was under way has ended')

  shiftClock(fleet, 24 * 60)
  t.match(await driving, { code: 0 }, 'it goes on when the window opens')
  shiftClock(fleet, 0)
  const has = await operations(fleet, early)
  for (const name of early) {
    t.match(await truthOf(fleet.host(name)), { running: /-late$/ }, name)
    t.equal((has.get(name) ?? 0) - (had.get(name) ?? 0), 1, `${name}: one operation`)
  }
}

/** Two of three hosts are cut off in the middle of their activation; one is back in time, the other is not. */
export async function cutWhileUnderWay(t: Test, fleet: Fleet): Promise<void> {
  writePolicy(fleet, '{ name: all, select: {}, maxParallel: 3 }', {
    electrum: ', confirm: { windowSeconds: 5 }'
  })
  const slow = { hangSeconds: 3 }
  fleet.writeGenerations(generationsOf('cut', { electrum: slow, galena: slow }))
  const before = await counted(fleet)
  const cut = ['electrum', 'galena'].map((name) => fleet.host(name))
  const [electrum, galena] = cut as [Host, Host]
  const starting = belay(fleet, 'start', '--supersede', ...only(late), '--poll', '2s', '--wait', '60s')
  await Promise.all(
    cut.map(async (host) => {
      await begins(host, before)
      await host.cutNetwork()
    })
  ).catch(async (error) => {
    throw new Error((await starting).stdout, { cause: error })
  })
  const silent = await whenStatus(
    fleet,
    ({ of }) => cut.every(({ name }) => of(name)?.reason !== null) && of('stibnite')?.is === 'done',
    'the report explains'
  )
  for (const { name } of cut) {
    const reason = { code: 'unreachable', text: /was begun at .* and does not answer/, unblock: /goes back/ }
    t.match(silent.of(name), { is: 'moving', reason }, name)
  }
  t.match(silent.status, { is: 'running' })
  const rolledBack = async () => (await journalOf(electrum)).phases.at(-1) === 'rolled-back'
  await electrum.waitFor(rolledBack, 'nobody confirms: its guard brings the baseline back')
  t.match(await truthOf(electrum), { running: /-late$/, profile: /-late$/, guards: [] })
  t.match(await truthOf(galena), { running: /-cut$/ }, 'it waits for its confirmation')

  for (const host of cut) await host.restoreNetwork()
  t.match(await starting, { code: 1 }, 'halted')
  const { of } = await statusOf(fleet)
  t.match(of('electrum'), { is: 'regressed', reason: { code: 'rolled-back' } })
  for (const name of ['galena', 'stibnite']) {
    t.equal(of(name)?.is, 'done', name)
    t.match(await truthOf(fleet.host(name)), { running: /-cut$/, profile: /-cut$/ }, name)
  }
  t.match(await belay(fleet, 'retry', 'electrum', '--reason', 'the cable is in'), { code: 0 })
  t.match(await belay(fleet, 'drive', '--poll', '2s', '--wait', '60s'), { code: 0 })
  t.match(await truthOf(electrum), { running: /-cut$/, profile: /-cut$/ })
  const after = await counted(fleet)
  const times = late.map((name) => [name, (after.get(name) ?? 0) - (before.get(name) ?? 0)])
  t.same(Object.fromEntries(times), { electrum: 2, galena: 1, stibnite: 1 })
}
