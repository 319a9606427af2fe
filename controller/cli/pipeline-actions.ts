import { check } from './commands/check.ts'
import { secretsScan } from './commands/leaks.ts'
import { secretsCheck } from './commands/secrets.ts'
import type { PipelineActions } from './pipeline-program.ts'
import { checkMarkdown, checkView } from './views/check.ts'
import { leaksView } from './views/leaks.ts'
import { secretsView } from './views/secrets.ts'
import { firstLine } from './views/text.ts'
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
  return {
    async check(options) {
      const report = await check(options, wiring, progress)
      if (options.json) json(report)
      else out(options.markdown ? checkMarkdown(report) : checkView(report, paint))
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
