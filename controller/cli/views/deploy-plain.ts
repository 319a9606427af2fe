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

/** One line for each event: `12:00:01 cinnabar  activating  message`. */
export function plainView(hosts: readonly string[], write: (text: string) => void, paint: Paint): DeployView {
  const steps = new Map<string, string>()
  const width = Math.max(...hosts.map((host) => host.length))
  const line = (at: string, host: string, step: string, message: string) => {
    const time = paint('dim', new Date(at).toTimeString().slice(0, 8))
    write(`${time} ${host.padEnd(width)}  ${step.padEnd(12)}  ${message}\n`)
  }
  return {
    event(event) {
      if (event.type === 'result') {
        const { host, outcome, reason, seconds } = event.result
        line(event.at, host, outcome, `${firstLine(reason) || 'done'} (${duration(seconds)})`)
        return
      }
      if (event.type === 'step') steps.set(event.host, event.step)
      const text = event.type === 'output' ? paint('dim', `| ${clean(event.line)}`) : clean(event.message)
      line(event.at, event.host, steps.get(event.host) ?? '', text)
    },
    close() {}
  }
}

/** Every event as a line of JSON. */
export function ndjsonView(write: (text: string) => void): DeployView {
  return { event: (event) => write(`${JSON.stringify(event)}\n`), close() {} }
}
