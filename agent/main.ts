#!/usr/bin/env node
import { runAgentCli } from './cli/program.ts'

const terminal = {
  out: (text: string) => void process.stdout.write(text),
  err: (text: string) => void process.stderr.write(text),
  colours: process.stdout.isTTY === true && !process.env.NO_COLOR
}
// Whoever reads our output may stop reading, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(141) // as SIGPIPE would have it
})
/** One command; the exit code is the caller's. */
export const main = (argv: readonly string[]): Promise<number> => runAgentCli(argv, terminal)

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code
})
