import { availableParallelism, loadavg } from 'node:os'
import type { Measures } from '../../health/begin.ts'
import type { Finding, Thresholds, World } from '../../health/kinds/kind.ts'
import { fail, judge, pass, unknown } from '../../health/kinds/kind.ts'
import { judgeFive } from '../../health/kinds/load.ts'
import { judgeBoots, nextBoots, readBoots } from '../../health/kinds/unexpected-reboot.ts'
import { tools } from './tools.ts'

/** By how much the clock may be wrong, in seconds. */
const CLOCK_SECONDS = 1

async function said(world: World, argv: readonly string[]): Promise<string | null> {
  const { code, stdout, ended } = await world.run(argv)
  return ended === 'exited' && code === 0 ? stdout : null
}

/** From the free part of the memory as macOS counts it, in percent: what it can give without swapping. */
export function judgeFree(text: string | null, bounds: Thresholds): Finding {
  const [, digits] = /^\s*(\d{1,3})\s*$/.exec(text ?? '') ?? []
  const free = Number(digits)
  if (digits === undefined || free > 100) return unknown('kern.memorystatus_level tells no memory')
  return judge(1 - free / 100, bounds, `${100 - free} % used`)
}

/** Whether the host went down in order, from `last reboot shutdown`, newest first; null where that cannot be told. */
export function wentDownInOrder(text: string | null): boolean | null {
  const kinds = (text ?? '').split('\n').flatMap((line) => /^(reboot|shutdown)\b/.exec(line)?.[1] ?? [])
  const [now, before] = kinds
  // Rotated away, or of another form.
  if (now !== 'reboot' || before === undefined) return null
  return before === 'shutdown'
}

/** From what sntp says: `+0.031852 +/- 0.012456 time.example 192.0.2.1`. */
export function judgeOffset(text: string | null): Finding {
  const [, offset] = /^\s*([+-]\d+\.\d+) \+\/- \d+\.\d+ /m.exec(text ?? '') ?? []
  if (offset === undefined) return unknown('no time server has answered')
  const message = `the clock is ${offset} s from its time server`
  return Math.abs(Number(offset)) < CLOCK_SECONDS ? pass(message) : fail(message)
}

async function lookAtClock(world: World): Promise<Finding> {
  const set = await said(world, [tools.systemsetup, '-getusingnetworktime'])
  if (/^Network Time: Off\b/im.test(set ?? '')) return fail('macOS does not set the clock by the network')
  const server = await said(world, [tools.systemsetup, '-getnetworktimeserver'])
  const [, name] = /^Network Time Server: ([A-Za-z0-9][A-Za-z0-9.-]{0,252})$/im.exec(server ?? '') ?? []
  if (name === undefined) return unknown('systemsetup names no time server')
  return judgeOffset(await said(world, [tools.sntp, '-t', '5', name]))
}

/** A change of the boot session is a reboot, sleep is none; the accounting of logins says whether it was in order. */
async function lookAtBoots(world: World, withinSeconds: number): Promise<Finding> {
  const before = readBoots(world.recall())
  const rebooted = before !== null && before.bootId !== world.bootId
  const orderly = rebooted
    ? wentDownInOrder(await said(world, [tools.last, '-n', '10', 'reboot', 'shutdown']))
    : true
  // What nobody can tell is not counted against the host.
  const boots = nextBoots(before && { ...before, orderly: orderly !== false }, world.bootId, world.now())
  world.remember(boots)
  return orderly === null
    ? unknown('rebooted; last does not tell why')
    : judgeBoots(boots, world.now(), withinSeconds)
}

const notHere = (why: string) => () => async () => unknown(why)

/** What checks of the host itself ask of macOS. */
export const hostMeasures: Measures = {
  memory: (options) => async (world) =>
    judgeFree(await said(world, [tools.sysctl, '-n', 'kern.memorystatus_level']), options as Thresholds),
  load: (options) => async () =>
    judgeFive(loadavg()[1] ?? Number.NaN, availableParallelism(), options as Thresholds),
  'time-sync': () => lookAtClock,
  'unexpected-reboot': (options) => async (world) =>
    lookAtBoots(world, (options as { withinSeconds: number }).withinSeconds),
  'stuck-jobs': notHere('launchd has no queue of jobs'),
  'home-manager': notHere('on macOS home-manager is a part of the activation'),
  temperature: notHere('macOS shows no sensors')
}
