import { setTimeout as delay } from 'node:timers/promises'
import pLimit from 'p-limit'
import type { Sample } from '../../shared/api/checks.ts'
import type { CheckResult } from '../../shared/verdict/evidence.ts'
import { monotonicMs } from '../clock.ts'
import type { CheckSetting } from '../config/checks.ts'
import { parseChecks } from '../config/checks.ts'
import type { Settings } from '../config/settings.ts'
import type { NetworkProgram } from '../network/half.ts'
import { NetworkHalf } from '../network/half.ts'
import type { Observed } from '../operation/drift.ts'
import type { Measures } from './begin.ts'
import { beginCheck, waitsForOthers } from './begin.ts'
import type { Measure } from './kinds/kind.ts'
import { unknown } from './kinds/kind.ts'
import { runCheck } from './run-check.ts'
import { readKept } from './store.ts'
import type { HostParts } from './world.ts'
import { hostWorld } from './world.ts'

/** All votes together take at most so long, in seconds; a check that is not done by then is `unknown`. */
const VOTES_SECONDS = 60
/** So long a check may go on failing after an activation, in milliseconds: what was restarted takes a moment. */
const SETTLE_MS = 15_000
const RETRY_MS = 1500
/** And so long a network half that does not end by itself may take to be ended, in seconds. */
const CLOSING_SECONDS = 5
const AT_ONCE = 2

/** The results of the checks that vote, by name. */
export type Votes = Readonly<Record<string, CheckResult>>

/** Votes of the host as it is; those named are left out. */
export type Poll = (only: (name: string) => boolean) => Promise<readonly Sample[]>

/** What the checks that vote need of their host. */
export interface VotingHost {
  readonly bootId: string
  readonly observe: () => Promise<Observed>
  /** A network half of its own, for as long as the votes take. */
  readonly network: NetworkProgram
  /** Of the platform. */
  readonly measures?: Measures
}

/** The checks that vote, first those of this host alone: others who let it wait must not take the time of these. */
export const votingChecks = (settings: Settings): readonly CheckSetting[] =>
  parseChecks(settings.checks, settings)
    .filter(({ votes }) => votes)
    .toSorted((a, b) => Number(waitsForOthers(a)) - Number(waitsForOthers(b)))

/** How long the votes after an activation may take, in seconds: a poll, and another when the time to settle is over. */
export function votesSeconds(settings: Settings): number {
  const each = votingChecks(settings).reduce((sum, { timeoutSeconds }) => sum + timeoutSeconds, 0)
  return each === 0 ? 0 : 2 * Math.min(each, VOTES_SECONDS) + SETTLE_MS / 1000 + CLOSING_SECONDS
}

/** How long it may take until it is known whether a system is worse: its agent answers, and the checks vote. */
export const lookSeconds = (settings: Settings): number =>
  settings.limits.agentSeconds + votesSeconds(settings)

/** What the checks that vote find now. */
export async function votesNow(settings: Settings, host: VotingHost): Promise<Votes> {
  const samples = await withPoll(settings, host, (poll) => poll(() => true))
  return Object.fromEntries(samples.map(({ check, result }) => [check, result]))
}

/** Asks again the checks that voted before; gives what is worse in words, or null. */
export async function votesAgainst(
  settings: Settings,
  before: Votes,
  host: VotingHost
): Promise<string | null> {
  const voting = votingChecks(settings).filter(({ name }) => Object.hasOwn(before, name))
  if (voting.length === 0) return null
  const end = monotonicMs() + SETTLE_MS
  const wait = async () => monotonicMs() < end && delay(RETRY_MS, true)
  return await withPoll(settings, host, (poll) => settledVotes({ voting, before, poll, wait }))
}

/** Polls until nothing is worse, or until there is no more waiting. */
export async function settledVotes(what: {
  readonly voting: readonly CheckSetting[]
  readonly before: Votes
  readonly poll: Poll
  /** Waits a little; false when the time is over. */
  readonly wait: () => Promise<boolean>
}): Promise<string | null> {
  const { voting, before, poll, wait } = what
  const byName = new Map(voting.map((setting) => [setting.name, setting]))
  let asked = new Set(byName.keys())
  for (;;) {
    const worse = (await poll((name) => asked.has(name))).filter((sample) => {
      const setting = byName.get(sample.check)
      return setting !== undefined && isWorse(before[sample.check], sample.result, setting.mustKnow)
    })
    if (worse.length === 0) return null
    if (!(await wait())) {
      return `worse since the activation: ${worse.map((each) => `check ${each.check}: ${each.message}`).join('; ')}`
    }
    asked = new Set(worse.map(({ check }) => check))
  }
}

/** What failed before does not block. A failure does where it is new, or where nobody could tell before. */
export function isWorse(before: CheckResult | undefined, after: CheckResult, mustKnow: boolean): boolean {
  if (before === undefined || before === 'fail') return false
  return after === 'fail' || (after === 'unknown' && mustKnow && before !== 'unknown')
}

/** Runs the voting checks of this host in this process, whatever the daemon does, and its network half. */
async function withPoll<T>(settings: Settings, of: VotingHost, act: (poll: Poll) => Promise<T>): Promise<T> {
  const half = new NetworkHalf(of.network)
  try {
    return await act(await hostPoll(settings, of, half))
  } finally {
    await half.close()
  }
}

async function hostPoll(settings: Settings, of: VotingHost, half: NetworkHalf): Promise<Poll> {
  const clock = { now: () => Date.now(), monotonicMs }
  const network: HostParts['network'] = (question, signal) => half.ask(question, signal)
  const host = { ...of, ...clock, network }
  const { memories } = await readKept(settings.stateDirectory)
  const begun = votingChecks(settings).map((setting) => ({
    setting,
    measure: beginCheck(setting, of.measures)
  }))
  return async (only) => {
    const end = monotonicMs() + VOTES_SECONDS * 1000
    const limit = pLimit(AT_ONCE)
    const late: Measure = async () => unknown('there was no time left for it')
    return Promise.all(
      begun
        .filter(({ setting }) => only(setting.name))
        .map(({ setting: { name, timeoutSeconds }, measure }) =>
          limit(async () => {
            const left = end - monotonicMs()
            const seconds = Math.min(timeoutSeconds, Math.ceil(left / 1000))
            const { sample } = await runCheck({
              name,
              timeoutMs: Math.max(Math.min(timeoutSeconds * 1000, left), 1),
              measure: left > 0 ? measure : late,
              clock,
              world: (signal) =>
                hostWorld(host, {
                  ...{ name, timeoutSeconds: seconds, signal },
                  recall: () => memories[name],
                  remember: () => {} // the daemon remembers
                })
            })
            return sample
          })
        )
    )
  }
}
