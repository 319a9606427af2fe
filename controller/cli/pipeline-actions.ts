import type { HostDone } from './commands/build.ts'
import type { Cached } from './commands/cache.ts'
import { cachePush, cacheStatus } from './commands/cache.ts'
import { check } from './commands/check.ts'
import { checklist } from './commands/checklist.ts'
import { secretsScan } from './commands/leaks.ts'
import { secretsCheck } from './commands/secrets.ts'
import { vars } from './commands/vars.ts'
import { varsUpload } from './commands/vars-upload.ts'
import type { PipelineActions } from './pipeline-program.ts'
import { writeReport } from './report-file.ts'
import { cacheView } from './views/cache.ts'
import { checkMarkdown, checkView } from './views/check.ts'
import { junit } from './views/check-junit.ts'
import { checklistView } from './views/checklist.ts'
import { leaksView } from './views/leaks.ts'
import { secretsView } from './views/secrets.ts'
import { firstLine } from './views/text.ts'
import { uploadView, varsView } from './views/vars.ts'
import type { ExitCode, Terminal, Wiring } from './wiring.ts'
import { exitCodes } from './wiring.ts'

/** The actions before a generation reaches a host; `exit` takes the exit code. */
export function pipelineActions(
  wiring: Wiring,
  terminal: Terminal,
  exit: (code: ExitCode) => void
): PipelineActions {
  const { out, err, paint } = terminal
  const json = (value: unknown) => out(`${JSON.stringify(value, null, 2)}\n`)
  const progress = (host: string, line: string) => err(`${paint('dim', `${host} |`)} ${firstLine(line)}\n`)
  const cached = (hosts: readonly HostDone<Cached>[], asJson: boolean) => {
    if (asJson) json({ hosts })
    else out(cacheView(hosts, paint))
    // What cannot be asked at is no failure: there the push has said that it went well.
    const fine = (done: HostDone<Cached>) =>
      done.ok && done.caches.every(({ complete }) => complete !== false)
    exit(hosts.every(fine) ? exitCodes.ok : exitCodes.failed)
  }
  return {
    async checklist(name, options) {
      const found = await checklist(name, options, wiring, progress)
      if (options.json) json(found)
      else out(checklistView(found, paint))
      exit(found.ok ? exitCodes.ok : exitCodes.failed)
    },
    async vars(word, names, options) {
      const hosts = await vars(word, names, options, wiring, progress)
      if (options.json) json({ hosts })
      else out(varsView(hosts, paint))
      exit(hosts.every(({ ok }) => ok) ? exitCodes.ok : exitCodes.failed)
    },
    async varsUpload(names, options) {
      const hosts = await varsUpload(names, options, wiring, progress)
      if (options.json) json({ hosts })
      else out(uploadView(hosts, paint))
      exit(hosts.every(({ ok }) => ok) ? exitCodes.ok : exitCodes.failed)
    },
    async cachePush(options) {
      cached(await cachePush(options, wiring, progress), options.json === true)
    },
    async cacheStatus(options) {
      cached(await cacheStatus(options, wiring, progress), options.json === true)
    },
    async check(options) {
      const report = await check(options, wiring, progress)
      if (options.json) json(report)
      else out(options.markdown ? checkMarkdown(report) : checkView(report, paint))
      if (options.junit) await writeReport(options.junit, junit(report))
      if (options.summary) await writeReport(options.summary, checkMarkdown(report), { flag: 'a' })
      exit(report.ok ? exitCodes.ok : exitCodes.failed)
    },
    async secretsCheck(options) {
      const report = await secretsCheck(options, wiring)
      if (options.json) json(report)
      else out(secretsView(report, paint))
      exit(report.ok ? exitCodes.ok : exitCodes.failed)
    },
    async secretsScan(paths, options) {
      const reports = await secretsScan(paths, options, wiring)
      if (options.json) json({ closures: reports })
      else out(leaksView(reports, paint))
      exit(reports.every(({ leaks }) => leaks.length === 0) ? exitCodes.ok : exitCodes.failed)
    }
  }
}
