import type { RolloutPlan } from '../../../shared/api/rollout.ts'
import { clean } from '../../../shared/clean.ts'
import type { DeployEvent } from '../../deploy/events.ts'
import type { Decision } from '../../rollout/decide.ts'
import type { Terminal } from '../wiring.ts'
import { renderTree } from './rollout-tree.ts'
import { firstLine } from './text.ts'

/** Shows a rollout while it is driven. */
export interface RolloutDisplay {
  event(event: DeployEvent): void
  round(decision: Decision): void
  close(): void
}

interface DisplayOptions {
  readonly terminal: Terminal
  readonly now: () => number
  readonly json: boolean
}

/** Milliseconds between two frames. */
const FRAME = 120

/** A tree on a terminal, a line per change in a pipe, NDJSON for programs. */
export function rolloutDisplay(plan: RolloutPlan, options: DisplayOptions): RolloutDisplay {
  if (options.json) return ndjson(plan, options)
  return options.terminal.isTty ? live(plan, options) : plain(plan, options)
}

function ndjson(plan: RolloutPlan, { terminal }: DisplayOptions): RolloutDisplay {
  const line = (value: unknown) => terminal.out(`${JSON.stringify(value)}\n`)
  let last: Decision | undefined
  line({ type: 'rollout', id: plan.id, revision: plan.revision })
  return {
    event: line,
    round(decision) {
      for (const event of decision.learned) line({ type: 'learned', event })
      for (const host of changedHosts(decision, last)) line({ type: 'host', ...host })
      last = decision
    },
    close() {
      if (last !== undefined)
        line({ type: 'summary', status: last.status, stages: last.stages, hosts: last.hosts })
    }
  }
}

function plain(plan: RolloutPlan, { terminal, now }: DisplayOptions): RolloutDisplay {
  const { out, paint } = terminal
  const say = (host: string, text: string) =>
    out(`${paint('dim', new Date(now()).toISOString().slice(11, 19))}  ${host}  ${clean(text)}\n`)
  let last: Decision | undefined
  out(`rollout ${plan.id}  revision ${plan.revision}\n`)
  return {
    event(event) {
      if (event.type === 'step') say(event.host, `${event.step}  ${event.message}`)
      if (event.type === 'note') say(event.host, event.message)
      if (event.type === 'result') {
        const { host, outcome, reason } = event.result
        say(host, `${outcome}: ${firstLine(reason)}`)
      }
    },
    round(decision) {
      for (const event of decision.learned) {
        if (event.kind === 'stage-passed') out(`stage ${event.stage} has passed\n`)
      }
      for (const { host, is, reason } of changedHosts(decision, last)) {
        if (reason !== null) say(host, `${reason.code}: ${reason.text} → ${reason.unblock}`)
        else if (is === 'done') say(host, 'done')
      }
      last = decision
    },
    close() {
      if (last === undefined) return
      out(`\n${renderTree({ plan, ...last }, { now: now() }, paint).join('\n')}\n`)
    }
  }
}

function live(plan: RolloutPlan, { terminal, now }: DisplayOptions): RolloutDisplay {
  const steps = new Map<string, { step: string; message: string; sinceMs: number }>()
  let last: Decision | undefined
  let drawn = 0
  const draw = (size: { readonly rows?: number }) => {
    if (last === undefined) return
    const lines = renderTree(
      { plan, ...last, steps },
      { now: now(), columns: terminal.columns(), ...size },
      terminal.paint
    )
    const up = drawn > 0 ? `\u001b[${drawn}A` : ''
    terminal.out(`${up}\r\u001b[J${lines.join('\n')}\n`)
    drawn = lines.length
  }
  terminal.out('\u001b[?25l')
  const timer = setInterval(() => draw({ rows: terminal.rows() }), FRAME)
  return {
    event(event) {
      if (event.type === 'result') steps.delete(event.result.host)
      if (event.type === 'step') {
        steps.set(event.host, { step: event.step, message: firstLine(event.message), sinceMs: now() })
      }
      if (event.type === 'note' || event.type === 'output') {
        const before = steps.get(event.host)
        const message = firstLine(event.type === 'note' ? event.message : event.line)
        if (before !== undefined) steps.set(event.host, { ...before, message })
      }
    },
    round(decision) {
      last = decision
    },
    close() {
      clearInterval(timer)
      draw({})
      terminal.out('\u001b[?25h')
    }
  }
}

/** Hosts that stand elsewhere, or for another reason, than in the round before. */
function changedHosts(decision: Decision, before: Decision | undefined): Decision['hosts'] {
  const old = new Map(before?.hosts.map((host) => [host.host, host]))
  return decision.hosts.filter((host) => {
    const was = old.get(host.host)
    return was?.is !== host.is || was.reason?.code !== host.reason?.code || was.attempt !== host.attempt
  })
}
