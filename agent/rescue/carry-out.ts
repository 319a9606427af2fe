import { lstat, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProfileState } from '../../shared/api/schemas.ts'
import type { CommandResult } from '../../shared/command.ts'
import { runCommand } from '../../shared/command.ts'
import { describeError } from '../../shared/errors.ts'
import { hostClock } from '../clock.ts'
import type { Settings } from '../config/settings.ts'
import { openJournal } from '../journal/journal.ts'
import { say } from '../operation/control.ts'
import type { Event } from '../operation/events.ts'
import { operationsRoot } from '../operation/operations.ts'
import { operationDirectory } from '../operation/store.ts'
import { RUNNER_UNIT } from '../platform/nixos/units.ts'
import type { Plan, Step } from './plan.ts'
import { setAside } from './plan.ts'
import { quoted } from './quote.ts'

/** Output of the switch. Not below the state directory, which may be full or gone. */
const LOG = '/run/belay-rescue.log'
/** Until the agent has stopped by force: its own time to stop, and some. */
const STOP_MS = 120_000
const MARGIN_MS = 60_000

/** What a rescue tells while it works. */
export type Progress =
  | { readonly type: 'command'; readonly command: string }
  | { readonly type: 'output'; readonly line: string }
  | { readonly type: 'ended'; readonly step: Step['name']; readonly code: number | null; readonly fine: boolean }
  | { readonly type: 'note'; readonly text: string }

/** What a rescue asks of the host; others in tests. */
export interface Hands {
  readonly run: (argv: readonly string[], timeoutMs: number, line: (text: string) => void) => Promise<CommandResult>
  readonly observe: () => Promise<ProfileState>
  readonly log: string
}

/** The hands of this process. */
export const hostHands = (observe: () => Promise<ProfileState>): Hands => ({
  run: (argv, timeoutMs, line) =>
    runCommand(argv, { timeoutMs, env: { NIX_REMOTE: '' }, onStderrLine: line, maxOutput: 1024 * 1024 }),
  observe,
  log: LOG
})

/** How a rescue ended. */
export interface Rescued {
  /** Running system, profile and, where it can be read, boot default are what was wanted. */
  readonly ok: boolean
  readonly seen: ProfileState
  /** What a person has still to do, or to know. */
  readonly left: readonly string[]
}

/** Carries a plan out, one step after the other. A step that fails keeps none of the later ones from being tried. */
export async function carryOut(order: {
  readonly plan: Plan
  readonly settings: Settings
  readonly hands: Hands
  readonly tell: (progress: Progress) => void
}): Promise<Rescued> {
  const { plan, settings, hands, tell } = order
  const limitMs = settings.limits.activationSeconds * 1000
  const codes = new Map<Step['name'], number | null>()
  for (const step of plan.steps) {
    if (step.argv === null) continue
    const { name, argv } = step
    const attempt = async () => {
      if (name === 'switch') return switchInUnit(argv, settings, hands, tell)
      tell({ type: 'command', command: step.command })
      const line = (text: string) => name !== 'stop' && tell({ type: 'output', line: text })
      return (await hands.run(argv, name === 'stop' ? STOP_MS : limitMs, line)).code
    }
    const code = await attempt().catch((error: unknown) => {
      tell({ type: 'note', text: describeError(error) })
      return null
    })
    codes.set(name, code)
    // 5: a unit that is not loaded cannot be stopped. 4: some unit somewhere has failed; the system runs all the same.
    const fine = code === 0 || (name === 'stop' && code === 5) || (name === 'switch' && code === 4)
    tell({ type: 'ended', step: name, code, fine })
    if (name === 'stop') await turnOperation(order)
  }
  await hands.run(['sync', '-f', settings.profile, settings.bootDirectory], MARGIN_MS, () => {})
  return judge(order, codes)
}

/**
 * In a unit of its own, so that the end of this session does not end it, and under the runner's name: the switch may
 * start the agent again, and no runner is to begin meanwhile.
 */
async function switchInUnit(
  argv: readonly string[],
  settings: Settings,
  hands: Hands,
  tell: (progress: Progress) => void
): Promise<number | null> {
  const { activationSeconds } = settings.limits
  const command = [
    ...['systemd-run', `--unit=${RUNNER_UNIT}`, '--description=Belay rescue', '--collect', '--quiet'],
    ...['--no-ask-password', '--service-type=exec', '--wait', `--property=RuntimeMaxSec=${activationSeconds}`],
    ...[`--property=StandardOutput=file:${hands.log}`, '--property=StandardError=inherit', '--', ...argv]
  ]
  await rm(hands.log, { force: true })
  tell({ type: 'command', command: quoted(command) })
  const line = (text: string) => tell({ type: 'output', line: text })
  const { code } = await hands.run(command, activationSeconds * 1000 + MARGIN_MS, line)
  const began = (await lstat(hands.log).catch(() => null)) !== null
  for (const text of (await readFile(hands.log, 'utf8').catch(() => '')).split('\n').filter(Boolean)) line(text)
  if (began) return code
  tell({ type: 'note', text: 'The service manager did not start it; once more without a unit.' })
  tell({ type: 'command', command: quoted(argv) })
  return (await hands.run(argv, activationSeconds * 1000, line)).code
}

/**
 * Makes the way back of an unfinished operation this one, so that the runner which comes back ends it here. Where that
 * cannot be written, the operation is put aside: nobody goes on with it.
 */
async function turnOperation(order: Parameters<typeof carryOut>[0]): Promise<void> {
  const { plan, settings, tell } = order
  if (plan.operation === null) return
  const { id, phase, itsOwnWay } = plan.operation
  const directory = operationDirectory(operationsRoot(settings), id)
  const principal = 'belay-agent rescue'
  try {
    if (!itsOwnWay && !['accepted', 'fetching', 'checking', 'arming'].includes(phase)) {
      const journal = await openJournal<Event>(join(directory, 'journal.jsonl'), hostClock().now)
      const { number, storePath } = plan.target
      await journal
        .append({ type: 'retargeted', target: { number, storePath }, reason: 'a person brought the host back' })
        .finally(() => journal.close())
    }
    await say(directory, { word: 'cancel', principal, reason: 'a person brought the host back' })
    await say(directory, { word: 'retry', principal, target: null })
    tell({ type: 'note', text: `Operation ${id} was told to go back there as well.` })
  } catch (error) {
    const aside = setAside(settings, id)
    const moved = await rename(directory, aside).then(
      () => `it was put aside, in ${aside}`,
      (cause: unknown) => `nor could it be put aside: ${describeError(cause)}`
    )
    tell({ type: 'note', text: `Operation ${id} could not be told (${describeError(error)}); ${moved}.` })
  }
}

/** Looks whether it is so, and says what is left to do. */
async function judge(
  order: Parameters<typeof carryOut>[0],
  codes: ReadonlyMap<Step['name'], number | null>
): Promise<Rescued> {
  const { plan, settings, hands, tell } = order
  const { target, chosen, operation } = plan
  const seen = await hands.observe()
  const runs = seen.running === target.storePath
  const isChosen = seen.storePath === chosen.storePath
  const boots = seen.bootDefault === null ? codes.get('boot') === 0 : seen.bootDefault === chosen.storePath
  const left: string[] = []
  if (!runs)
    left.push(
      boots
        ? 'It does not run yet. Restart the machine (systemctl reboot): it boots what you chose.'
        : 'It does not run yet. Restart the machine and choose it in the boot menu.'
    )
  if (runs && codes.get('switch') !== 0)
    left.push(`It runs, but the switch ended with ${codes.get('switch')}: look at systemctl --failed`)
  if (!isChosen) left.push(`The profile ${settings.profile} does not name it: ${seen.storePath}`)
  if (!boots) left.push('The boot loader does not name it (is /boot full?); then run this command again.')
  else if (seen.bootDefault === null)
    left.push('The boot default cannot be read here; switch-to-configuration boot reported success.')
  if (runs) {
    // Its unit is of the system that runs now.
    await hands.run(['systemctl', 'start', 'belay-agent.service'], MARGIN_MS, () => {})
    const { code } = await hands.run(['systemctl', 'is-active', '--quiet', 'belay-agent.service'], MARGIN_MS, () => {})
    if (code !== 0) left.push('The agent does not run: systemctl status belay-agent')
  }
  if (operation !== null)
    left.push(
      `Operation ${operation.id} is closed by the agent, once it runs: belay-agent log ${operation.id}`
    )
  tell({ type: 'note', text: runs && isChosen && boots ? 'Done.' : 'Not done.' })
  return { ok: runs && isChosen && boots, seen, left }
}
