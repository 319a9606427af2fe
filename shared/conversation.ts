import type { CommandOptions } from './command.ts'
import { DRAIN_MS, killGroup, spawnPiped } from './command.ts'

/** A program that is spoken with in lines while it runs. */
export interface Conversation {
  say(line: string): void
  /** Resolves when the program has ended. Never rejects. */
  readonly ended: Promise<LastOf>
  /** Closes its standard input, upon which it is to end. */
  hangUp(): void
  /** Ends it by force, with its process group. */
  kill(): void
}

/** How a conversation ended. */
export interface LastOf {
  /** Its exit code; null when a signal ended it, or it was never there. */
  readonly code: number | null
  /** What it wrote last to stderr, or why it was never there. */
  readonly words: string
  /** What there was too much of, where it was ended for that. */
  readonly excess: string | null
}

/** What of the stderr of a conversation is kept, in characters. */
const LAST_WORDS = 500
/** And so much it may write there, in characters: reading without end takes the time of whoever reads. */
const MAX_STDERR = 256 * 1024
/** What it may leave unread, in bytes, before it is told the next: for who never reads, all of it would be kept here. */
const MAX_UNREAD = 8 * 1024 * 1024

/** Starts a program to speak with, as `runBounded` does. A line that is longer than `maxLine` ends it. */
export function converse(
  argv: readonly string[],
  options: Pick<CommandOptions, 'env'> & { onLine: (line: string) => void; maxLine: number }
): Conversation {
  const { onLine, maxLine, env } = options
  const child = spawnPiped(argv, env)
  const { stdin, stdout, stderr } = child
  const kill = () => killGroup(child.pid)
  let words = ''
  let excess: string | null = null
  let rest = ''
  let complained = 0
  const endFor = (what: string) => {
    excess ??= what
    kill()
    // It may have passed on the other ends, and go on.
    for (const stream of [stdin, stdout, stderr]) stream.destroy()
  }
  stdin.on('error', () => {}) // it has ended, which is told below
  stderr.setEncoding('utf8').on('data', (text: string) => {
    words = `${words}${text}`.slice(-LAST_WORDS)
    complained += text.length
    if (complained > MAX_STDERR) endFor('it wrote without end to its standard error')
  })
  stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line)
    if (rest.length > maxLine) endFor('it said a line without end')
  })
  const ended = new Promise<LastOf>((resolve) => {
    const settle = (code: number | null) => {
      // What it started may still have the other ends.
      for (const stream of [stdin, stdout, stderr]) stream.destroy()
      resolve({ code, words: words.trim(), excess })
    }
    child.on('error', (error) => {
      words ||= error.message
      settle(null)
    })
    child.on('exit', (code) => {
      kill()
      setTimeout(settle, DRAIN_MS, code).unref()
      child.on('close', () => settle(code))
    })
  })
  return {
    say: (line) => {
      if (stdin.writableLength > MAX_UNREAD) endFor('it does not read what it is told')
      else stdin.write(`${line}\n`)
    },
    ended,
    hangUp: () => void stdin.end(),
    kill
  }
}
