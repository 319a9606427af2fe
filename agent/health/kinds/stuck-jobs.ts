import { Type } from 'typebox'
import type { Finding } from './kind.ts'
import { defineKind, some } from './kind.ts'
import { systemctl } from './systemctl.ts'

/** Jobs of systemd that do not come to an end. */
export const stuckJobsKind = defineKind({
  options: {
    olderThanSeconds: Type.Integer({
      minimum: 1,
      maximum: 86_400,
      description: 'A job is stuck when the agent has seen it for so long',
      default: 300
    })
  },
  gives: { measures: null, unit: 'jobs' },
  begin: ({ olderThanSeconds }) => {
    let seen: Ages = new Map()
    return async (world) => {
      const now = world.monotonicMs()
      seen = agesOf(seen, parseJobs(await systemctl(world, ['list-jobs', '--no-legend', '--plain'])), now)
      return judgeJobs(seen, now, olderThanSeconds)
    }
  }
})

/** Jobs, as `NUMBER UNIT`, and when each was first seen. */
type Ages = ReadonlyMap<string, number>

/** From the lines of `systemctl list-jobs`. */
export function parseJobs(text: string): readonly string[] {
  return [...text.matchAll(/^\s*(\d+)\s+(\S+)\s+\S+\s+\S+\s*$/gm)].map(([, id, unit]) => `${id} ${unit}`)
}

/** systemd does not tell how old a job is: it is as old as we have known it. */
export function agesOf(before: Ages, jobs: readonly string[], now: number): Ages {
  return new Map(jobs.map((job) => [job, before.get(job) ?? now]))
}

/** Fails when a job is older than the limit. */
export function judgeJobs(seen: Ages, now: number, olderThanSeconds: number): Finding {
  const stuck = [...seen].filter(([, since]) => now - since >= olderThanSeconds * 1000).map(([job]) => job)
  if (stuck.length > 0) return { result: 'fail', value: stuck.length, message: `stuck: ${some(stuck)}` }
  return {
    result: 'pass',
    value: 0,
    message: seen.size === 0 ? 'no jobs' : `${seen.size} jobs, none of them old`
  }
}
