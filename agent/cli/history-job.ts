import { text } from 'node:stream/consumers'
import type { Work } from '../health/history/job.ts'
import { doWork } from '../health/history/job.ts'
import type { Terminal } from './commands.ts'

/** What the daemon calls, not a person: work on the history in JSON on standard input, what came of it on standard output. */
export async function historyJob(terminal: Terminal): Promise<void> {
  const work = JSON.parse(await text(process.stdin)) as Work
  terminal.out(JSON.stringify(doWork(work, new Date())))
}
