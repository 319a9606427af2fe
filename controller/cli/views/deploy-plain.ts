import { clean } from '../../../shared/clean.ts'
import type { DeployEvent } from '../../deploy/events.ts'
import type { Paint } from './text.ts'
import { duration, firstLine } from './text.ts'

/** Shows a deployment while it runs. */
export interface DeployView {
  event(event: DeployEvent): void
  /** Leaves the terminal as it was found. */
  close(): void
}

/** After so many milliseconds without a word of a host its step is told again: what reads a log takes silence for a hang. */
const STILL_MS = 60_000

/** What was last told of a host that has not ended. */
interface LastWord {
  readonly step: string
  readonly sinceMs: number
  readonly toldMs: number
}

/** One line for each event: `12:00:01 cinnabar  activating  message`; and for what lasts. */
export function plainView(hosts: readonly string[], write: (text: string) => void, paint: Paint): DeployView {
  const under = new Map<string, LastWord>()
  const width = Math.max(...hosts.map((host) => host.length))
  const line = (at: string | number, host: string, step: string, message: string) => {
    const time = paint('dim', new Date(at).toTimeString().slice(0, 8))
    write(`${time} ${host.padEnd(width)}  ${step.padEnd(12)}  ${message}\n`)
  }
  const timer = setInterval(() => {
    const now = Date.now()
    for (const [host, last] of under) {
      if (now - last.toldMs < STILL_MS) continue
      under.set(host, { ...last, toldMs: now })
      line(now, host, last.step, paint('dim', `for ${duration((now - last.sinceMs) / 1000)}`))
    }
  }, STILL_MS / 4)
  return {
    event(event) {
      if (event.type === 'result') {
        const { host, outcome, reason, seconds } = event.result
        under.delete(host)
        line(event.at, host, outcome, `${firstLine(reason) || 'done'} (${duration(seconds)})`)
        return
      }
      const now = Date.now()
      const before = under.get(event.host) ?? { step: '', sinceMs: now }
      const told = event.type === 'step' ? { step: event.step, sinceMs: now } : before
      under.set(event.host, { ...told, toldMs: now })
      const text = event.type === 'output' ? paint('dim', `| ${clean(event.line)}`) : clean(event.message)
      line(event.at, event.host, told.step, text)
    },
    close: () => clearInterval(timer)
  }
}

/** Every event as a line of JSON. */
export function ndjsonView(write: (text: string) => void): DeployView {
  return { event: (event) => write(`${JSON.stringify(event)}\n`), close() {} }
}
