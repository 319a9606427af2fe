import type { Finding } from '../../health/kinds/kind.ts'
import { fail, pass, some } from '../../health/kinds/kind.ts'
import type { Listed } from './launchctl-text.ts'

/** Passes when each of these jobs runs. */
export function judgeRunning(units: readonly string[], listed: readonly Listed[]): Finding {
  const down = units.flatMap((unit) => {
    const job = listed.find(({ label }) => label === unit.replace(/\.service$/, ''))
    if (job === undefined) return [`${unit} is not loaded`]
    return job.pid === null ? [`${unit} does not run (${job.status ?? 'never started'})`] : []
  })
  return down.length > 0 ? fail(some(down)) : pass(`running: ${some(units)}`)
}
