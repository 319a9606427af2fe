import { clean } from '../../../shared/clean.ts'
import type { HostResult, Step } from '../../deploy/events.ts'
import type { DeployView } from './deploy-plain.ts'
import { outcomeLook } from './results.ts'
import type { Paint } from './text.ts'
import { cut, duration, firstLine } from './text.ts'

/** The phases of the bar, in order. */
const bar: readonly Step[] = [
  'fetching',
  'checking',
  'arming',
  'activating',
  'verifying',
  'confirming',
  'committing',
  'committed'
]
const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
/** Milliseconds between two frames. */
const FRAME = 100

/** What the block shows of one host. */
export interface HostLine {
  readonly host: string
  readonly step: Step
  /** How far the bar has come; kept while the host rolls back. */
  readonly reached: number
  readonly message: string
  readonly startedMs: number | null
  readonly result: HostResult | null
}

/** Where the view draws. */
export interface Screen {
  readonly write: (text: string) => void
  readonly columns: () => number
  readonly rows: () => number
  readonly now: () => number
}

/** One line per host, redrawn in place. */
export function liveView(hosts: readonly string[], screen: Screen, paint: Paint): DeployView {
  const lines = new Map(hosts.map((host) => [host, newLine(host)]))
  let drawn = 0
  const draw = () => {
    const view = { now: screen.now(), columns: screen.columns(), rows: screen.rows() }
    const block = renderBlock([...lines.values()], view, paint)
    const up = drawn > 0 ? `\u001b[${drawn}A` : ''
    screen.write(`${up}\r\u001b[J${block.map((line) => `${line}\n`).join('')}`)
    drawn = block.length
  }
  screen.write('\u001b[?25l')
  draw()
  const timer = setInterval(draw, FRAME)
  return {
    event(event) {
      const host = event.type === 'result' ? event.result.host : event.host
      const line = lines.get(host) ?? newLine(host)
      lines.set(host, nextLine(line, event, screen.now()))
    },
    close() {
      clearInterval(timer)
      draw()
      screen.write('\u001b[?25h')
    }
  }
}

function newLine(host: string): HostLine {
  return { host, step: 'waiting', reached: 0, message: '', startedMs: null, result: null }
}

/** The line after an event. */
export function nextLine(line: HostLine, event: Parameters<DeployView['event']>[0], nowMs: number): HostLine {
  const startedMs = line.startedMs ?? nowMs
  switch (event.type) {
    case 'step': {
      const reached = Math.max(line.reached, bar.indexOf(event.step) + 1)
      return { ...line, step: event.step, reached, message: event.message, startedMs }
    }
    case 'note':
      return { ...line, message: event.message, startedMs }
    case 'output':
      return { ...line, message: event.line, startedMs }
    case 'result':
      return { ...line, result: event.result, message: firstLine(event.result.reason), startedMs }
  }
}

interface ViewPort {
  readonly now: number
  readonly columns: number
  readonly rows: number
}

/** The lines of the block: no wider and no higher than the screen, hosts under way first when there is no room. */
export function renderBlock(lines: readonly HostLine[], view: ViewPort, paint: Paint): string[] {
  const room = Math.max(1, view.rows - 2)
  const shown = lines.length <= room ? lines : [...lines].sort(byNeed).slice(0, room - 1)
  const width = Math.max(...shown.map((line) => line.host.length))
  const block = shown.map((line) => renderLine(line, width, view, paint))
  const hidden = lines.length - shown.length
  const ended = lines.filter((line) => line.result !== null).length
  return hidden > 0
    ? [...block, paint('dim', `… and ${hidden} more; ${ended} of ${lines.length} have ended`)]
    : block
}

/** Hosts that are being worked on, then those that wait, then those that have ended. */
function byNeed(a: HostLine, b: HostLine): number {
  const rank = (line: HostLine) => (line.result !== null ? 2 : line.step === 'waiting' ? 1 : 0)
  return rank(a) - rank(b)
}

function renderLine(line: HostLine, width: number, view: ViewPort, paint: Paint): string {
  const { result } = line
  const look = result === null ? null : outcomeLook[result.outcome]
  const back = line.step === 'rolling-back' || line.step === 'stuck'
  const format = look?.format ?? (back ? 'yellow' : 'cyan')
  const sign = look?.sign ?? spinner[Math.floor(view.now / FRAME) % spinner.length] ?? ''
  const seconds = result?.seconds ?? (line.startedMs === null ? 0 : (view.now - line.startedMs) / 1000)
  const cells = `${'▰'.repeat(line.reached)}${'▱'.repeat(bar.length - line.reached)}`
  const label = (result?.outcome ?? line.step).padEnd(12)
  const fixed = `${sign} ${line.host.padEnd(width)}  ${cells}  ${label}  ${duration(seconds).padStart(6)}  `
  const message = cut(clean(line.message), view.columns - fixed.length - 1)
  if (fixed.length >= view.columns) return cut(fixed, view.columns - 1)
  const head = `${paint(format, sign)} ${line.host.padEnd(width)}  ${paint(format, `${cells}  ${label}`)}`
  return `${head}  ${duration(seconds).padStart(6)}  ${paint('dim', message)}`
}
