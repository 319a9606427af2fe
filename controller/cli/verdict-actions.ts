import type { ErrorCode } from '../../shared/errors.ts'
import { codeOf } from '../../shared/errors.ts'
import type { VerdictWord } from '../../shared/verdict/result.ts'
import type { HostVerdict } from '../verdict/report.ts'
import { digestSinks } from './commands/digest.ts'
import type { VerdictOptions } from './commands/verdict.ts'
import { say, soak, verdict } from './commands/verdict.ts'
import { writeReport } from './report-file.ts'
import type { VerdictActions } from './verdict-program.ts'
import { deliveriesView, digestMessage } from './views/digest.ts'
import { errorJson, errorView } from './views/error.ts'
import { soakView, verdictView } from './views/verdict.ts'
import { verdictMarkdown } from './views/verdict-markdown.ts'
import type { ExitCode, Terminal, Wiring } from './wiring.ts'
import { exitCodes, usageErrors } from './wiring.ts'

const codes: Record<VerdictWord, ExitCode> = {
  GO: exitCodes.ok,
  'NO-GO': exitCodes.failed,
  'CONDITIONAL GO': exitCodes.conditional,
  'INSUFFICIENT EVIDENCE': exitCodes.insufficient
}
/** Errors of the one who typed, and of that person's files, are no missing evidence. */
const ours: readonly ErrorCode[] = [...usageErrors, 'internal']

/** The actions about verdicts; `exit` takes the exit code. */
export function verdictActions(
  wiring: Wiring,
  terminal: Terminal,
  exit: (code: ExitCode) => void
): VerdictActions {
  const { out, err, paint } = terminal
  const json = (value: unknown) => out(`${JSON.stringify(value, null, 2)}\n`)
  const show = async (host: HostVerdict, options: VerdictOptions) => {
    if (options.json) json({ ...host.verdict, decision: host.decision, keptAt: host.keptAt })
    else out(options.markdown ? verdictMarkdown(host) : verdictView(host, paint))
    if (options.html) {
      const { verdictPage } = await import('./views/verdict-html.ts')
      await writeReport(options.html, await verdictPage(host))
    }
    exit(codes[host.verdict.verdict])
  }
  return {
    async verdict(name, options) {
      try {
        await show(await verdict(name, options, wiring), options)
      } catch (error) {
        wiring.signal.throwIfAborted()
        if (ours.includes(codeOf(error))) throw error
        // A host that does not answer is no NO-GO.
        if (options.json) out(errorJson(error))
        else err(errorView(error, paint))
        exit(exitCodes.insufficient)
      }
    },
    async say(name, word, options) {
      const host = await say(name, word, options, wiring)
      if (options.json) json({ ...host.verdict, decision: host.decision, keptAt: host.keptAt })
      else out(verdictView(host, paint))
    },
    async soak(options) {
      const rows = await soak(options, wiring)
      if (options.json) json({ hosts: rows })
      else out(soakView(rows, paint))
      exit(rows.every(({ error }) => error === null) ? exitCodes.ok : exitCodes.failed)
    },
    async digest(options) {
      const to = options.deliver ? await digestSinks(options, wiring) : null
      const hosts = await soak(options, wiring)
      const day = new Date(wiring.clock.now()).toISOString().slice(0, 10)
      const message = { ...digestMessage(hosts, day, options.weekly === true), id: wiring.newKey() }
      const deliveries = to === null ? null : await to.deliver(message, wiring.signal)
      if (options.json) json({ ...message, hosts, deliveries })
      else out(message.text)
      if (deliveries !== null && !options.json) err(deliveriesView(deliveries, paint))
      exit(deliveries?.some(({ ok }) => !ok) ? exitCodes.failed : exitCodes.ok)
    }
  }
}
