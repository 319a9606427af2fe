#!/usr/bin/env node
import { randomUUID } from 'node:crypto'
import { runCommand } from '../shared/command.ts'
import { VERSION } from '../shared/version.ts'
import { runCli } from './cli/run.ts'
import { painter } from './cli/views/text.ts'
import type { Terminal, Wiring } from './cli/wiring.ts'
import { exitCodes } from './cli/wiring.ts'
import { systemClock } from './deploy/clock.ts'
import { knownCleanFile, knownCleanPath } from './leaks/known-clean.ts'
import { closureScan } from './leaks/scan-closure.ts'
import { openSshTunnel } from './transport/tunnel.ts'

const { stdout, stderr, env } = process
const interrupt = new AbortController()

const terminal: Terminal = {
  out: (text) => void stdout.write(text),
  err: (text) => void stderr.write(text),
  isTty: stdout.isTTY === true && env.TERM !== 'dumb',
  paint: painter(stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb', stdout.columns),
  columns: () => stdout.columns ?? 80,
  rows: () => stdout.rows ?? 24
}

const wiring: Wiring = {
  run: runCommand,
  openTunnel: openSshTunnel,
  clock: systemClock,
  newKey: randomUUID,
  scan: closureScan(runCommand, knownCleanFile(knownCleanPath(env))),
  signal: interrupt.signal
}

/** The first interruption cleans up, the second one does not wait for it. */
function onSignal(): void {
  if (interrupt.signal.aborted) process.exit(exitCodes.interrupted)
  terminal.err(
    '\nStopping. Hosts with an operation go on by themselves; what nobody confirms is rolled back.\n'
  )
  interrupt.abort()
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
// Whoever reads our output may stop reading, as `head` does.
for (const stream of [stdout, stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

/** One command; the exit code is the caller's. */
export const main = (argv: readonly string[]): Promise<number> => runCli(argv, wiring, terminal, VERSION)

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code
})
