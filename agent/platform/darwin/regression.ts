import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { BelayError } from '../../../shared/errors.ts'
import type { Settings } from '../../config/settings.ts'
import type { VotingHost } from '../../health/votes.ts'
import { votesAgainst } from '../../health/votes.ts'
import type { Baseline, Outcome } from '../../operation/events.ts'
import { agentAnswers } from '../agent-answers.ts'
import { ignoreMissing } from '../nix/generations.ts'
import { failedJobs } from './failed-jobs.ts'
import type { Effects } from './irreversible.ts'
import { begunBy, effectsOf } from './irreversible.ts'
import { AGENT_LABEL } from './jobs.ts'

/** launchd says that a job is loaded before it has shown whether it lives. */
const SETTLE_MS = 1500

/**
 * What is worse than at the baseline, in words, or null. A script that broke off has left files and jobs of both systems:
 * that is thrown as `half-activated`.
 */
export async function regressionOf(what: {
  readonly settings: Settings
  readonly host: VotingHost
  readonly directory: string
  readonly baseline: Baseline
  readonly storePath: string
  readonly outcome: Outcome | null
}): Promise<string | null> {
  const { settings, host, directory, baseline, storePath, outcome } = what
  const { running } = await host.observe()
  if (outcome?.result !== 'success') {
    const output = await readFile(join(directory, 'output'), 'utf8').catch(ignoreMissing(''))
    throw halfActivated(outcome, running, storePath, output, await effectsOf(storePath))
  }
  // Somebody else's, or one that did not come to its last step.
  if (running !== storePath) return `the running system is ${running}, not the candidate`
  await delay(SETTLE_MS)
  // The agent is asked itself: one that was killed comes back when launchd's pause is over.
  const broken = (await failedJobs(storePath)).filter(
    (job) => job !== AGENT_LABEL && !baseline.failedUnits.includes(job)
  )
  if (broken.length > 0) return `failed since the activation: ${broken.join(', ')}`
  if (!(await agentAnswers(settings))) return 'the agent of the new generation does not answer'
  return votesAgainst(settings, baseline.checks ?? {}, host)
}

/** The script moves /run/current-system last: where it did not come so far, what ran before it is mixed with what came. */
export function halfActivated(
  outcome: Outcome | null,
  running: string | null,
  storePath: string,
  output: string,
  effects: Effects
): BelayError {
  const how = outcome === null ? 'nobody knows how' : `${outcome.result} ${outcome.code} ${outcome.status}`
  const lines = output.trim().split('\n')
  const said = lines.findLast((line) => /^error:|abort/i.test(line)) ?? lines.at(-1) ?? ''
  const begun = begunBy(output, effects)
  const stays =
    begun.length === 0 ? '' : `; not fully reversible: what ${begun.join(' and ')} has changed stays as it is`
  const text = `half-activated: the script ended early (${how}: ${said.slice(0, 200)}); files and jobs are of both systems${stays}`
  return new BelayError('half-activated', text, { found: running, wanted: storePath })
}
