import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { CommandResult } from '../../shared/command.ts'
import { runCommand } from '../../shared/command.ts'
import { describeError } from '../../shared/errors.ts'
import { isTerminal } from '../../shared/operation/phase.ts'
import { hostClock } from '../clock.ts'
import type { Settings } from '../config/settings.ts'
import { openJournal, readJournal } from '../journal/journal.ts'
import { say } from '../operation/control.ts'
import type { Observed } from '../operation/drift.ts'
import type { Event } from '../operation/events.ts'
import { operationsRoot } from '../operation/operations.ts'
import { foldOperation } from '../operation/state.ts'
import { operationDirectory } from '../operation/store.ts'
import type { Plan, Step } from './plan.ts'
import { isUntouched, setAside } from './plan.ts'
import type { Way } from './way.ts'

/** Output of the switch. Not below the state directory, which may be full or gone. */
const LOG = '/run/belay-rescue.log'
/** Until the agent has stopped by force: its own time to stop, and some. */
const STOP_MS = 120_000
export const MARGIN_MS = 60_000

/** What a rescue tells while it works. */
export type Progress =
  | { readonly type: 'command'; readonly command: string }
  | { readonly type: 'output'; readonly line: string }
  | {
      readonly type: 'ended'
      readonly step: Step['name']
      readonly code: number | null
      readonly fine: boolean
    }
  | { readonly type: 'note'; readonly text: string }

/** What a rescue asks of the host; others in tests. */
export interface Hands {
  readonly run: (
    argv: readonly string[],
    timeoutMs: number,
    line: (text: string) => void
  ) => Promise<CommandResult>
  readonly observe: () => Promise<Observed>
  readonly log: string
}

/** The hands of this process. */
export function hostHands(observe: () => Promise<Observed>): Hands {
  const PATH = [process.env.PATH, '/run/current-system/sw/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']
    .filter(Boolean)
    .join(':')
  const env = { PATH, NIX_REMOTE: '' }
  return {
    run: (argv, timeoutMs, line) =>
      runCommand(argv, { timeoutMs, env, onStderrLine: line, maxOutput: 1024 * 1024 }),
    observe,
    log: LOG
  }
}

/** How a rescue ended. */
export interface Rescued {
  /** Running system, profile and, where it can be read, boot default are what was wanted. */
  readonly ok: boolean
  readonly seen: Observed
  /** What a person has still to do, or to know. */
  readonly left: readonly string[]
}

/** A rescue to be carried out. */
export interface Order {
  readonly plan: Plan
  readonly way: Way
  readonly settings: Settings
  readonly unreadable: readonly string[]
  readonly hands: Hands
  readonly tell: (progress: Progress) => void
}

/** What became of the operation that had not ended. */
type Turned = 'none' | 'told' | 'aside' | 'untold'

/** Carries a plan out, one step after the other. A step that fails keeps none of the later ones from being tried. */
export async function carryOut(order: Order): Promise<Rescued> {
  const { plan, settings, way, hands, tell } = order
  const limitMs = settings.limits.activationSeconds * 1000
  const codes = new Map<Step['name'], number | null>()
  let turned: Turned = 'none'
  for (const step of plan.steps) {
    if (step.argv === null) continue
    const { name, argv } = step
    const attempt = async () => {
      if (name === 'switch') return way.runSwitch(order, argv)
      tell({ type: 'command', command: step.command })
      const line = (text: string) => name !== 'stop' && tell({ type: 'output', line: text })
      return (await hands.run(argv, name === 'stop' ? STOP_MS : limitMs, line)).code
    }
    const code = await attempt().catch((error: unknown) => {
      tell({ type: 'note', text: describeError(error) })
      return null
    })
    codes.set(name, code)
    const fine = code === 0 || (code !== null && code === way.harmless[name])
    tell({ type: 'ended', step: name, code, fine })
    if (name === 'stop') turned = await turnOperation(order)
  }
  await hands.run(way.sync(settings), MARGIN_MS, () => {})
  return judge(order, codes, turned)
}

/**
 * Makes the way back of an unfinished operation this one, so that the runner which comes back ends it here. Where that
 * cannot be written, the operation is put aside: nobody goes on with it.
 */
async function turnOperation({ plan, settings, way, tell }: Order): Promise<Turned> {
  if (plan.operation === null) return 'none'
  const { id, phase, itsOwnWay } = plan.operation
  const directory = operationDirectory(operationsRoot(settings), id)
  const principal = 'belay-agent rescue'
  const reason = 'a person brought the host back'
  try {
    if (await hasEnded(directory)) return 'none'
    if (!itsOwnWay && !isUntouched(phase)) {
      const bootId = await way.bootId()
      const journal = await openJournal<Event>(join(directory, 'journal.jsonl'), hostClock(bootId).now)
      const { number, storePath } = plan.target
      await journal
        .append({ type: 'retargeted', target: { number, storePath }, reason })
        .finally(() => journal.close())
    }
    await say(directory, { word: 'cancel', principal, reason })
    await say(directory, { word: 'retry', principal, target: null })
    tell({ type: 'note', text: `Operation ${id} was told to give up, and to go there as well.` })
    return 'told'
  } catch (error) {
    const aside = setAside(settings, id)
    const problem = await rename(directory, aside).catch(describeError)
    const then = problem ? `nor could it be put aside: ${problem}` : `it was put aside, in ${aside}`
    tell({ type: 'note', text: `Operation ${id} could not be told (${describeError(error)}); ${then}.` })
    return problem ? 'untold' : 'aside'
  }
}

/** Its runner may have ended it since the plan was made, before it was stopped: nothing is written behind an end. */
async function hasEnded(directory: string): Promise<boolean> {
  const records = await readJournal<Event>(join(directory, 'journal.jsonl')).catch(() => null)
  return records !== null && isTerminal(foldOperation(records).phase)
}

/** Looks whether it is so, and says what is left to do. */
async function judge(
  order: Order,
  codes: ReadonlyMap<Step['name'], number | null>,
  turned: Turned
): Promise<Rescued> {
  const { plan, settings, way, unreadable, hands } = order
  const { target, chosen } = plan
  const seen = await hands.observe()
  const runs = seen.running === target.storePath
  const isChosen = seen.storePath === chosen.storePath
  const boots = seen.bootDefault === null ? codes.get('boot') === 0 : seen.bootDefault === chosen.storePath
  const switched = codes.get('switch')
  const agent = runs && (await way.startAgent(hands))
  const { restart, failed, agent: whyNot, lastResort } = way.hints
  const left = [
    !runs && boots && `It does not run yet. Restart the machine (${restart}): it boots what you chose.`,
    !runs && !boots && `It does not run yet: ${lastResort(plan)}.`,
    runs && switched !== 0 && `It runs, but the switch ended with ${switched}: look at ${failed}`,
    !isChosen && `The profile ${settings.profile} does not name it, but ${seen.storePath}.`,
    !boots && 'The boot loader does not name it (is /boot full?). Make room and run this command again.',
    boots && seen.bootDefault === null && 'What boots cannot be read here; look at it before you restart.',
    runs && !agent && `The agent does not run: ${whyNot}`,
    turned === 'told' && `The agent closes operation ${plan.operation?.id} by itself: belay-agent status`,
    turned === 'untold' && `The agent may go on with operation ${plan.operation?.id}: leave it stopped.`,
    ...unreadable.map(
      (id) => `Move ${operationDirectory(operationsRoot(settings), id)} away; nothing is activated before.`
    )
  ].filter((line) => line !== false)
  return { ok: runs && isChosen && boots, seen, left }
}
