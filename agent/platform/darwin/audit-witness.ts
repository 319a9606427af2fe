import { basename, dirname } from 'node:path'
import { runCommand } from '../../../shared/command.ts'
import { isIdentity } from '../../operation/store.ts'
import type { AuditWitness } from '../platform.ts'
import { RUNNER_LABEL } from './jobs.ts'
import { jobState } from './launchctl.ts'
import { tools } from './tools.ts'

/** The log of macOS is dear to read: so far back, so many bytes, and so long. What is older nobody tells. */
const BACK = '1d'
const LOG_BYTES = 16 * 1024 * 1024
const LOG_MS = 120_000
const PREDICATE = 'processImagePath == "/sbin/launchd" AND eventMessage CONTAINS "system/org.belay.guard."'

/**
 * The operations whose guard launchd tells of, from records of `log show --style ndjson`: it is loaded right before each
 * activation, and its label has the identity. Only launchd speaks in its own name, and only root has jobs in `system/`.
 */
export function guardedIn(text: string): readonly string[] {
  const ids = text.split('\n').flatMap((line) => {
    const { process, message } = recordOf(line)
    if (process !== '/sbin/launchd') return []
    const id = /^\[?system\/org\.belay\.guard\.([0-9A-Za-z-]{1,60})(?=[\s[\]:]|$)/.exec(message)?.[1] ?? ''
    return isIdentity(id) ? [id] : []
  })
  return [...new Set(ids)].sort()
}

function recordOf(line: string): { readonly process: string; readonly message: string } {
  try {
    const { processImagePath, eventMessage } = (JSON.parse(line) ?? {}) as Record<string, unknown>
    return { process: String(processImagePath), message: String(eventMessage) }
  } catch {
    return { process: '', message: '' }
  }
}

/** The operation in whose directory the property list of the runner is. */
export function runnerOf(plist: string | null): string | null {
  const id = basename(dirname(plist ?? ''))
  return isIdentity(id) ? id : null
}

/** Asks launchd and its log. */
export const macAuditWitness: AuditWitness = {
  source: 'launchd (its log of the last day)',
  runner: async () => {
    const job = await jobState(RUNNER_LABEL).catch(() => undefined)
    if (job === undefined) return null
    return job?.pid ? runnerOf(job.path) : ''
  },
  activated: async (asked) => {
    const argv = [tools.log, 'show', '--last', BACK, '--style', 'ndjson', '--predicate', PREDICATE]
    const ran = await runCommand(argv, { timeoutMs: LOG_MS, maxOutput: LOG_BYTES }).catch(() => null)
    return ran?.code === 0 ? guardedIn(ran.stdout).filter(asked) : []
  }
}
