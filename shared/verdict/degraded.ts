import type { Evidence } from './evidence.ts'
import type { Verdict } from './result.ts'
import { change } from './words.ts'

/** What became worse on a host since a moment, in words, worst first. `since` is in ms since the epoch. */
export function degradedSince(evidence: Evidence, verdict: Verdict, since: number): string[] {
  const isNew = (at: string | null) => at !== null && Date.parse(at) >= since
  const incidents = evidence.incidents
    .filter((incident) => incident.status === 'open' && isNew(incident.openedAt))
    .map((incident) => `${incident.severity.toUpperCase()} ${incident.id}: ${incident.description}`)
  const reboots = evidence.reboots
    .filter((reboot) => !reboot.expected && isNew(reboot.at))
    .map((reboot) => `unexpected reboot: ${reboot.cause}`)
  const failing = evidence.checks
    .filter((check) => !check.failedInBaseline && isNew(check.failingSince))
    .map((check) => `${check.name} fails (${check.severity})`)
  const stopped = evidence.gaps
    .filter((gap) => gap.cause === 'agent-stopped' && isNew(gap.to))
    .map(() => 'the agent was stopped')
  return [...incidents, ...reboots, ...failing, ...slower(verdict), ...new Set(stopped)]
}

/** The recent window looks at the last 24 hours by itself. */
function slower(verdict: Verdict): string[] {
  return verdict.criteria.flatMap(({ check, statistics }) => {
    const [worst] = statistics.filter(({ window, outcome }) => window === 'recent' && outcome === 'fail')
    if (worst === undefined || worst.ratio === null) return []
    return [`${check} ${worst.series} ${change(worst.ratio)} in the last 24 hours`]
  })
}
