import { secretsScan } from './commands/leaks.ts'
import { secretsCheck } from './commands/secrets.ts'
import type { PipelineActions } from './pipeline-program.ts'
import { leaksView } from './views/leaks.ts'
import { secretsView } from './views/secrets.ts'
import type { ExitCode, Terminal, Wiring } from './wiring.ts'
import { exitCodes } from './wiring.ts'

/** The actions before a generation reaches a host; `exit` takes the exit code. */
export function pipelineActions(
  wiring: Wiring,
  terminal: Terminal,
  exit: (code: ExitCode) => void
): PipelineActions {
  const { out, paint } = terminal
  const json = (value: unknown) => out(`${JSON.stringify(value, null, 2)}\n`)
  return {
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
