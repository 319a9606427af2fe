import type { RolloutPlan } from '../../../shared/api/rollout.ts'
import { clean } from '../../../shared/clean.ts'
import type { Reason } from '../../rollout/reasons.ts'
import type { HostView, RolloutStatus, StageView } from '../../rollout/views.ts'
import type { Cell, Paint } from './text.ts'
import { cut, duration } from './text.ts'

/** What the tree shows. */
export interface Tree {
  readonly plan: Pick<RolloutPlan, 'id' | 'revision' | 'rollbackOf'>
  readonly status: RolloutStatus
  readonly stages: readonly StageView[]
  readonly hosts: readonly HostView[]
  /** The present step of hosts that are under way, where it is known. */
  readonly steps?: ReadonlyMap<
    string,
    { readonly step: string; readonly message: string; readonly sinceMs: number }
  >
}

/** Where it is drawn; without a size nothing is cut. */
export interface TreeSize {
  readonly now: number
  readonly columns?: number
  readonly rows?: number
}

const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

const statusFormat = {
  running: 'cyan',
  waiting: 'yellow',
  halted: 'red',
  paused: 'yellow',
  done: 'green',
  aborted: 'red',
  superseded: 'yellow'
} as const satisfies Record<RolloutStatus['is'], Cell['format']>

/** A rollout as a tree: stage, host, where it is or why it does not move. */
export function renderTree(tree: Tree, size: TreeSize, paint: Paint): string[] {
  const { plan, status, stages, hosts } = tree
  const needs =
    status.needs === null ? '' : `, needs ${status.needs === 'person' ? 'a person' : status.needs}`
  const back = plan.rollbackOf === undefined ? '' : `, takes ${plan.rollbackOf} back`
  const lines = [
    `${paint('bold', `rollout ${plan.id}`)}  revision ${plan.revision}${back}  ${paint(statusFormat[status.is], `${status.is}${needs}`)}`
  ]
  const width = Math.max(0, ...hosts.map(({ host }) => host.length))
  for (const stage of stages) {
    lines.push(stageLine(stage, size, paint))
    const members = hosts.filter((host) => host.stage === stage.name)
    // A stage that is over, or has not come yet, is one line where there is no room.
    const crowded = size.rows !== undefined && hosts.length + stages.length + 2 > size.rows
    if (crowded && stage.is !== 'open' && members.every(({ is }) => is === 'done' || is === 'waiting'))
      continue
    for (const host of members) lines.push(hostLine(host, width, tree, size, paint))
  }
  const room = size.rows === undefined ? lines.length : Math.max(2, size.rows - 1)
  if (lines.length <= room) return lines
  return [...lines.slice(0, room - 1), paint('dim', `… and ${lines.length - room + 1} more lines`)]
}

function stageLine({ name, is, done, total, because }: StageView, size: TreeSize, paint: Paint): string {
  const sign = is === 'passed' ? paint('green', '✔') : is === 'open' ? paint('cyan', '▸') : paint('dim', '·')
  const why = because === null ? '' : `${because.code}: ${because.text}`
  const plain = `  ${name}  ${done}/${total}  `
  const text = cut(clean(why), (size.columns ?? 10_000) - plain.length - 1)
  return `${sign} ${paint('bold', name)}  ${done}/${total}${text === '' ? '' : `  ${paint('dim', text)}`}`
}

function hostLine(host: HostView, width: number, { steps }: Tree, size: TreeSize, paint: Paint): string {
  const { sign, format, text } = lookOf(host, steps?.get(host.host), size.now)
  const name = host.host.padEnd(width)
  const room = (size.columns ?? 10_000) - width - 7
  return `   ${paint(format, sign)} ${name}  ${paint(format === 'green' ? 'dim' : format, cut(clean(text), room))}`
}

function lookOf(
  { is, reason, soakUntil, attempt }: HostView,
  step: { readonly step: string; readonly message: string; readonly sinceMs: number } | undefined,
  now: number
): {
  readonly sign: string
  readonly format: 'green' | 'cyan' | 'red' | 'yellow' | 'dim'
  readonly text: string
} {
  if (is === 'done') {
    const left = soakUntil === null ? 0 : (Date.parse(soakUntil) - now) / 1000
    return {
      sign: '✔',
      format: 'green',
      text: left > 0 ? `done, watched for ${duration(left)} more` : 'done'
    }
  }
  if (is === 'moving') {
    const sign = spinner[Math.floor(now / 100) % spinner.length] ?? ''
    const again = attempt > 1 ? `attempt ${attempt}: ` : ''
    if (reason !== null)
      return { sign, format: 'yellow', text: `${again}under way, ${reasonText(reason, now)}` }
    if (step === undefined) return { sign, format: 'cyan', text: `${again}under way` }
    const since = duration((now - step.sinceMs) / 1000)
    return { sign, format: 'cyan', text: `${again}${step.step}  ${since}  ${step.message}` }
  }
  const text = reason === null ? 'not looked at yet' : reasonText(reason, now)
  if (is === 'regressed') return { sign: '✖', format: 'red', text }
  return { sign: is === 'skipped' ? '−' : '·', format: is === 'skipped' ? 'dim' : 'yellow', text }
}

const reasonText = ({ code, since, text, unblock }: Reason, now: number) =>
  `${code} ${duration((now - Date.parse(since)) / 1000)}  ${text} → ${unblock}`
