import { labelsIn } from './candidate.ts'
import { listJobs } from './launchctl.ts'
import type { Listed } from './launchctl-text.ts'

/** Of these jobs those that have failed, and those that launchd does not know at all. macOS has jobs of its own that always fail. */
export function judgeJobs(wanted: readonly string[], listed: readonly Listed[]): readonly string[] {
  const byLabel = new Map(listed.map((job) => [job.label, job]))
  return wanted.flatMap((label) => {
    const job = byLabel.get(label)
    if (job === undefined) return [`${label} (not loaded)`]
    return job.pid === null && job.status !== null && job.status !== 0 ? [label] : []
  })
}

/** The jobs of a system that do not run as they should, sorted. */
export async function failedJobs(system: string): Promise<readonly string[]> {
  return judgeJobs(await labelsIn(system, 'Library/LaunchDaemons'), await listJobs())
}
