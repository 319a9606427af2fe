import { isAbsolute, join } from 'node:path'
import type { Run } from '../build/run.ts'
import { secondsOf } from '../inventory/words.ts'
import { command } from './command.ts'
import type { Send } from './message.ts'
import { ntfy } from './ntfy.ts'
import type { Notify } from './schema.ts'
import { readSecret } from './secret.ts'
import { webhook } from './webhook.ts'

/** A place where messages go. */
export interface Sink {
  readonly name: string
  readonly perHour: number
  /** Reads the secrets, each time anew: they are changed without us. Throws when it cannot. */
  readonly open: () => Promise<Send>
}

/** The sinks of a fleet file; `directory` is where the file is. */
export function sinksOf(notify: Notify, directory: string, run: Run): Sink[] {
  const secret = async (file: string | undefined) =>
    file === undefined ? null : await readSecret(isAbsolute(file) ? file : join(directory, file))
  const webhooks = Object.entries(notify.webhooks ?? {}).map(([name, config]): Sink => {
    const { url, secretFile, tokenFile } = config
    const open = async () =>
      webhook({
        url,
        secret: await secret(secretFile),
        token: await secret(tokenFile),
        timeoutMs: timeoutOf(config)
      })
    return { name, perHour: config.perHour ?? PER_HOUR, open }
  })
  const topics = Object.entries(notify.ntfy ?? {}).map(([name, config]): Sink => {
    const { url, topic, tokenFile } = config
    const open = async () =>
      ntfy({ url, topic, token: await secret(tokenFile), timeoutMs: timeoutOf(config) })
    return { name, perHour: config.perHour ?? PER_HOUR, open }
  })
  const commands = Object.entries(notify.commands ?? {}).map(([name, config]): Sink => {
    const send = command(config.command, timeoutOf(config), run)
    return { name, perHour: config.perHour ?? PER_HOUR, open: async () => send }
  })
  return [...webhooks, ...topics, ...commands]
}

/** Messages an hour at most, unless told otherwise. */
const PER_HOUR = 20

/** Milliseconds of one attempt. */
const timeoutOf = ({ timeout = '10s' }: { timeout?: string }) => secondsOf(timeout) * 1000
