import { agentClient } from '../../../shared/agent-client/client.ts'
import { monotonicMs } from '../../clock.ts'
import type { Settings } from '../../config/settings.ts'
import { votesAgainst } from '../../health/votes.ts'
import { until } from '../../operation/control.ts'
import type { Baseline, Outcome } from '../../operation/events.ts'
import type { Places } from './observe.ts'
import { observe } from './observe.ts'
import { failedUnits } from './systemd.ts'

/**
 * What is worse than at the baseline, in words, or null. What is observed counts, not only what was returned: exit
 * code 4 says that some unit somewhere has failed, so the units decide.
 */
export async function regressionOf(what: {
  readonly settings: Settings
  readonly places: Places
  readonly baseline: Baseline
  readonly storePath: string
  readonly outcome: Outcome | null
}): Promise<string | null> {
  const { settings, places, baseline, storePath, outcome } = what
  const ended = outcome === null ? 'its outcome is unknown' : judgeOutcome(outcome)
  const broken = (await failedUnits()).filter((unit) => !baseline.failedUnits.includes(unit))
  if (broken.length > 0) return `failed since the activation: ${broken.join(', ')}`
  if (ended !== null) return `the activation failed: ${ended}`
  const { running } = await observe(places)
  if (running !== storePath) return `the running system is ${running}, not the candidate`
  if (!(await agentAnswers(settings))) return 'the agent of the new generation does not answer'
  return votesAgainst(settings, baseline.checks ?? {}, () => observe(places))
}

/** Null for what may be a success: exit code 0, or 4, where the failed units are compared. */
function judgeOutcome({ result, code, status }: Outcome): string | null {
  if (code === 'exited' && (status === '0' || status === '4')) return null
  if (code === 'exited' && status === '100') return 'the generation needs a reboot (exit code 100)'
  if (result === 'timeout') return 'the script did not end in time'
  return `${result} ${code} ${status}`
}

async function agentAnswers({ socketDirectory, limits }: Settings): Promise<boolean> {
  // The socket of the fewest: nobody else's connections keep the agent from answering.
  const client = agentClient(`${socketDirectory}/admin.sock`, 2000)
  const end = monotonicMs() + limits.agentSeconds * 1000
  const ask = () =>
    client
      .live()
      .then(() => true)
      .catch(() => null)
  return (await until(socketDirectory, () => end - monotonicMs(), ask)) === true
}
