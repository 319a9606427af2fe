import { CommanderError } from 'commander'
import { BelayError, codeOf } from '../../shared/errors.ts'
import { allWell } from '../deploy/events.ts'
import { approvals, approve, revoke } from './commands/approvals.ts'
import { build } from './commands/build.ts'
import { deploy } from './commands/deploy.ts'
import { hold, release } from './commands/hold.ts'
import { names } from './commands/names.ts'
import { plan } from './commands/plan.ts'
import { push } from './commands/push.ts'
import { status } from './commands/status.ts'
import type { DoctorActions } from './doctor.ts'
import { doctorActions } from './doctor.ts'
import { pipelineActions } from './pipeline-actions.ts'
import type { PipelineActions } from './pipeline-program.ts'
import type { PkiActions } from './pki.ts'
import { pkiActions } from './pki-actions.ts'
import type { Actions } from './program.ts'
import { buildProgram } from './program.ts'
import type { RolloutActions } from './rollout.ts'
import { rolloutActions } from './rollout-actions.ts'
import type { ServeActions } from './serve.ts'
import { serveActions } from './serve-actions.ts'
import { verdictActions } from './verdict-actions.ts'
import type { VerdictActions } from './verdict-program.ts'
import { approvalsView, approvedView, toSignView } from './views/approvals.ts'
import { liveView } from './views/deploy-live.ts'
import type { DeployView } from './views/deploy-plain.ts'
import { ndjsonView, plainView } from './views/deploy-plain.ts'
import { errorJson, errorView } from './views/error.ts'
import { holdView } from './views/hold.ts'
import { hostsDoneView } from './views/hosts-done.ts'
import { plansView } from './views/plan.ts'
import { resultsView } from './views/results.ts'
import { statusView } from './views/status.ts'
import { firstLine } from './views/text.ts'
import type { ExitCode, Terminal, Wiring } from './wiring.ts'
import { exitCodes, usageErrors } from './wiring.ts'

/** Runs one command line; gives its exit code. Never throws. */
export async function runCli(
  argv: readonly string[],
  wiring: Wiring,
  terminal: Terminal,
  version: string
): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok
  const end = (ok: boolean) => {
    code = ok ? exitCodes.ok : exitCodes.failed
  }
  const exit = (exitCode: ExitCode) => {
    code = exitCode
  }
  const actions = {
    ...actionsOf(wiring, terminal, end),
    ...verdictActions(wiring, terminal, exit),
    ...rolloutActions(wiring, terminal, exit),
    ...serveActions(wiring, terminal),
    ...doctorActions(wiring, terminal, exit),
    ...pipelineActions(wiring, terminal, exit),
    ...pkiActions(wiring, terminal, exit)
  }
  const program = buildProgram(actions, version)
  for (const command of [program, ...program.commands.flatMap((each) => [each, ...each.commands])]) {
    command.exitOverride().configureOutput({
      ...{ writeOut: terminal.out, writeErr: terminal.err },
      // Before the command line is understood, this is all that is known of it.
      ...(argv.includes('--json') ? { outputError: (text) => terminal.out(usageJson(text)) } : {})
    })
  }
  try {
    await program.parseAsync(argv, { from: 'user' })
    return wiring.signal.aborted ? exitCodes.interrupted : code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    if (wiring.signal.aborted) return exitCodes.interrupted
    if (program.opts().json) terminal.out(errorJson(error))
    else terminal.err(errorView(error, terminal.paint))
    return usageErrors.includes(codeOf(error)) ? exitCodes.usage : exitCodes.failed
  }
}

const usageJson = (text: string) =>
  errorJson(new BelayError('invalid-request', text.replace(/^error: /, '').trim()))

/** Each action: get the data, choose the view, say whether all is well. */
function actionsOf(
  wiring: Wiring,
  terminal: Terminal,
  end: (ok: boolean) => void
): Omit<
  Actions,
  keyof (VerdictActions & RolloutActions & ServeActions & DoctorActions & PipelineActions & PkiActions)
> {
  const { out, err, paint } = terminal
  const json = (value: unknown) => out(`${JSON.stringify(value, null, 2)}\n`)
  const progress = (host: string, line: string) => err(`${paint('dim', `${host} |`)} ${firstLine(line)}\n`)
  return {
    async build(options) {
      const hosts = await build(options, wiring, progress)
      if (options.json) json({ hosts })
      else out(hostsDoneView(hosts, 'built', paint))
      end(hosts.every((host) => host.ok))
    },
    async push(options) {
      const hosts = await push(options, wiring, progress)
      if (options.json) json({ hosts })
      else out(hostsDoneView(hosts, 'pushed', paint))
      end(hosts.every((host) => host.ok))
    },
    async plan(options) {
      const hosts = await plan(options, wiring, progress)
      if (options.json) json({ hosts })
      else out(plansView(hosts, { ...options, paint, columns: terminal.columns() }))
      end(hosts.every((host) => host.ok))
    },
    async deploy(options) {
      let view: DeployView | undefined
      try {
        const results = await deploy(options, wiring, (hosts) => {
          view = chooseView(hosts, terminal, wiring, options.json === true)
          return view.event
        })
        view?.close()
        view = undefined
        const ok = allWell(results)
        if (options.json) out(`${JSON.stringify({ type: 'summary', ok, results })}\n`)
        else out(resultsView(results, paint))
        end(ok)
      } finally {
        view?.close()
      }
    },
    async status(options) {
      const hosts = await status(options, wiring)
      if (options.json) json({ hosts })
      else out(statusView(hosts, wiring.clock.now(), paint))
      end(hosts.every((host) => host.reachable))
    },
    async hold(host, options) {
      const changed = await hold(host, options, wiring)
      if (options.json) json(changed)
      else out(holdView(changed))
    },
    async release(host, options) {
      const changed = await release(host, options, wiring)
      if (options.json) json(changed)
      else out(holdView(changed))
    },
    ...approvalActions(wiring, terminal, json),
    async names(kind, options) {
      out((await names(kind, options)).map((name) => `${name}\n`).join(''))
    },
    print: out
  }
}

/** What is signed is shown beside the result, where JSON does not go. */
function approvalActions(
  wiring: Wiring,
  { out, err, paint }: Terminal,
  json: (value: unknown) => void
): Pick<Actions, 'approve' | 'approvals' | 'revoke'> {
  return {
    async approve(host, options) {
      const approved = await approve(host, options, wiring, (what) => err(toSignView(what, paint)))
      if (options.json) json(approved)
      else out(approvedView(approved, options.out))
    },
    async approvals(host, options) {
      const all = await approvals(host, options, wiring)
      if (options.json) json({ approvals: all })
      else out(approvalsView(all, wiring.clock.now(), paint))
    },
    async revoke(host, id, options) {
      const approval = await revoke(host, id, options, wiring)
      if (options.json) json(approval)
      else out(approvalsView([approval], wiring.clock.now(), paint))
    }
  }
}

function chooseView(hosts: readonly string[], terminal: Terminal, wiring: Wiring, json: boolean): DeployView {
  if (json) return ndjsonView(terminal.out)
  if (!terminal.isTty) return plainView(hosts, terminal.out, terminal.paint)
  const screen = { ...terminal, write: terminal.out, now: wiring.clock.now }
  return liveView(hosts, screen, terminal.paint)
}
