import { setTimeout } from 'node:timers/promises'
import { runCli } from '../../../controller/cli/run.ts'
import { painter } from '../../../controller/cli/views/text.ts'
import type { Wiring } from '../../../controller/cli/wiring.ts'
import { systemClock } from '../../../controller/deploy/clock.ts'
import { fakeRun } from '../fakes/run.ts'
import { noLeaks } from '../fakes/scan.ts'

/** Runs one command line of `belay`; gives its exit code and all that it printed, without colour, 100 columns wide. */
export async function runBelay(argv: readonly string[], wiring: Wiring, isTty = false) {
  let [out, err] = ['', '']
  const terminal = {
    out: (text: string) => {
      out += text
    },
    err: (text: string) => {
      err += text
    },
    isTty,
    paint: painter(false),
    columns: () => 100,
    rows: () => 24
  }
  const code = await runCli(argv, wiring, terminal, '0.1.0')
  return { code, out, err }
}

/** Of a command line that has no way to the hosts: only the daemon has. It waits for no longer than 50 ms at a time. */
export const daemonOnly = (): Wiring => ({
  run: fakeRun().run,
  openTunnel: async () => {
    throw new Error('only the daemon goes to the hosts')
  },
  clock: {
    ...systemClock,
    sleep: async (ms, signal) => void (await setTimeout(Math.min(ms, 50), undefined, { signal }))
  },
  scan: noLeaks,
  newKey: () => 'key',
  signal: new AbortController().signal
})
