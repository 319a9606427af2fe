import type { RolloutPlan } from '../../shared/api/rollout.ts'
import type { RolloutReport } from '../rollout/report.ts'
import type { RolloutStatus } from '../rollout/views.ts'
import { inventory } from './commands/inventory.ts'
import { approveStage } from './commands/rollout-approve.ts'
import { plan } from './commands/rollout-plan.ts'
import { remoteWatch } from './commands/rollout-remote.ts'
import { rollback, rollbackThrough } from './commands/rollout-rollback.ts'
import { say } from './commands/rollout-say.ts'
import type { DriveOptions, RolloutWatch } from './commands/rollout-start.ts'
import { driveOn, start, startThrough } from './commands/rollout-start.ts'
import { report } from './commands/rollout-status.ts'
import type { RolloutActions } from './rollout.ts'
import type { Server } from './server.ts'
import { findServer } from './server.ts'
import { toSignView } from './views/approvals.ts'
import { approvedStageView } from './views/approved-stage.ts'
import { inventoryView } from './views/inventory.ts'
import type { RolloutDisplay } from './views/rollout-display.ts'
import { rolloutDisplay } from './views/rollout-display.ts'
import { planView } from './views/rollout-plan.ts'
import { renderTree } from './views/rollout-tree.ts'
import { firstLine } from './views/text.ts'
import type { ExitCode, Terminal, Wiring } from './wiring.ts'
import { exitCodes } from './wiring.ts'

/** Each action: get the data, choose the view, say how it ended. */
export function rolloutActions(
  wiring: Wiring,
  terminal: Terminal,
  exit: (code: ExitCode) => void
): RolloutActions {
  const { out, err, paint } = terminal
  const json = (value: unknown) => out(`${JSON.stringify(value, null, 2)}\n`)
  const progress = (host: string, line: string) => err(`${paint('dim', `${host} |`)} ${firstLine(line)}\n`)
  /** Shows a rollout while it is driven, then how it stands. */
  const shown = async (
    asJson: boolean,
    work: (watch: RolloutWatch) => Promise<{ status: RolloutStatus }>
  ) => {
    let display: RolloutDisplay | undefined
    try {
      const watch: RolloutWatch = {
        begin: (begun: RolloutPlan) => {
          display = rolloutDisplay(begun, { terminal, now: wiring.clock.now, json: asJson })
        },
        event: (event) => display?.event(event),
        round: (decision) => display?.round(decision)
      }
      const { status } = await work(watch)
      exit(exitOf(status))
    } finally {
      display?.close()
    }
  }
  const ended = (last: RolloutReport, asJson: boolean) => {
    if (asJson) json(last)
    else out(`${renderTree(last, { now: wiring.clock.now() }, paint).join('\n')}\n`)
    exit(exitOf(last.status))
  }
  /** Watches what the daemon drives. */
  const watched = async (server: Server, id: string, options: DriveOptions) => {
    const draw = screen(terminal, wiring)
    const last = await remoteWatch(server, id, options.wait * 1000, wiring, draw).finally(draw.end)
    ended(last, options.json === true)
  }
  return {
    async inventory(options) {
      const found = await inventory(options, wiring)
      if (options.json) json({ hosts: found.hosts, remarks: found.remarks })
      else out(inventoryView(found, paint))
    },
    async rolloutPlan(options) {
      const made = await plan(options, wiring, progress)
      if (options.json) json(made)
      else out(planView(made, paint))
    },
    async rolloutStart(options) {
      const server = await findServer(options)
      if (server === null) {
        return await shown(options.json === true, (watch) => start(options, wiring, watch, progress))
      }
      await watched(server, await startThrough(server, options, wiring, progress), options)
    },
    rolloutDrive: (options) => shown(options.json === true, (watch) => driveOn(options, wiring, watch)),
    async rolloutRollback(given) {
      const options = { ...given, push: false }
      const server = await findServer(options)
      if (server === null)
        return await shown(options.json === true, (watch) => rollback(options, wiring, watch))
      await watched(server, await rollbackThrough(server, options, wiring), options)
    },
    rolloutApprove: approving(wiring, terminal, json, exit),
    async rolloutStatus(options) {
      const draw = screen(terminal, wiring)
      const last = await report(options, wiring, (now) => draw(now)).finally(draw.end)
      ended(last, options.json === true)
    },
    async rolloutSay(word, target, options) {
      const said = await say(word, target, options, wiring)
      if (options.json) json(said)
      else out(`${said.rollout}: ${word} ${said.targets.join(', ')}`.trimEnd().concat('\n'))
    }
  }
}

/** What is signed is shown beside the result, where JSON does not go. */
function approving(
  wiring: Wiring,
  { out, err, paint }: Terminal,
  json: (value: unknown) => void,
  exit: (code: ExitCode) => void
): RolloutActions['rolloutApprove'] {
  return async (stage, options) => {
    const said = await approveStage(stage, options, wiring, (what) => err(toSignView(what, paint)))
    if (options.json) json(said)
    else out(approvedStageView(said))
    exit(said.signed.every(({ problem }) => problem === null) ? exitCodes.ok : exitCodes.failed)
  }
}

/** Redraws in place on a terminal; a pipe gets only the end. */
function screen(terminal: Terminal, wiring: Wiring) {
  let drawn = 0
  const clear = () => (drawn > 0 ? `\u001b[${drawn}A\r\u001b[J` : '')
  const draw = (report: RolloutReport) => {
    if (!terminal.isTty) return
    const size = { now: wiring.clock.now(), columns: terminal.columns(), rows: terminal.rows() }
    const lines = renderTree(report, size, terminal.paint)
    terminal.out(`${clear()}${lines.join('\n')}\n`)
    drawn = lines.length
  }
  draw.end = () => {
    terminal.out(clear())
    drawn = 0
  }
  return draw
}

/** How a rollout's state ends a command. */
function exitOf({ is }: RolloutStatus): ExitCode {
  if (is === 'done') return exitCodes.ok
  return is === 'halted' || is === 'aborted' || is === 'superseded' ? exitCodes.failed : exitCodes.waiting
}
