import { runCli } from '../../../controller/cli/run.ts'
import { painter } from '../../../controller/cli/views/text.ts'
import type { Wiring } from '../../../controller/cli/wiring.ts'

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
