import type { Settings } from '../../config/settings.ts'
import type { VotingHost } from '../../health/votes.ts'
import { votesAgainst } from '../../health/votes.ts'
import type { Baseline, Outcome } from '../../operation/events.ts'
import { agentAnswers } from '../agent-answers.ts'
import { failedUnits } from './systemd.ts'

/**
 * What is worse than at the baseline, in words, or null. What is observed counts, not only what was returned: exit
 * code 4 says that some unit somewhere has failed, so the units decide.
 */
export async function regressionOf(what: {
  readonly settings: Settings
  readonly host: VotingHost
  readonly baseline: Baseline
  readonly storePath: string
  readonly outcome: Outcome | null
}): Promise<string | null> {
  const { settings, host, baseline, storePath, outcome } = what
  const ended = outcome === null ? 'its outcome is unknown' : judgeOutcome(outcome)
  const broken = (await failedUnits()).filter((unit) => !baseline.failedUnits.includes(unit))
  if (broken.length > 0) return `failed since the activation: ${broken.join(', ')}`
  if (ended !== null) return `the activation failed: ${ended}`
  const { running } = await host.observe()
  if (running !== storePath) return `the running system is ${running}, not the candidate`
  if (!(await agentAnswers(settings))) return 'the agent of the new generation does not answer'
  return votesAgainst(settings, baseline.checks ?? {}, host)
}

/** Null for what may be a success: exit code 0, or 4, where the failed units are compared. */
function judgeOutcome({ result, code, status }: Outcome): string | null {
  if (code === 'exited' && (status === '0' || status === '4')) return null
  if (code === 'exited' && status === '100') return 'the generation needs a reboot (exit code 100)'
  if (result === 'timeout') return 'the script did not end in time'
  return `${result} ${code} ${status}`
}
