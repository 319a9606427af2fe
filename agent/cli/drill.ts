import type { AgentClient } from '../../shared/agent-client/client.ts'
import { agentClient } from '../../shared/agent-client/client.ts'
import type { OperationRequest } from '../../shared/api/schemas.ts'
import { BelayError } from '../../shared/errors.ts'
import type { Context } from './commands.ts'
import { follow, print } from './commands.ts'
import type { Shell } from './program.ts'
import * as views from './views/preflight.ts'

export interface DrillOptions {
  readonly outsideWindow?: true
  readonly lookOnly?: true
}

/** Longer than every check may take, in milliseconds. */
const LOOK_MS = 910_000

/** `belay-agent drill`. */
export function addDrill({ program, terminal, context, exit }: Shell): void {
  program
    .command('drill')
    .description('rehearse the way back: activate what runs once more, prove it, and say how it went')
    .option('--look-only', 'only every check of preflight; activates nothing')
    .option('--outside-window', 'even where no maintenance window is open; it is written down')
    .action(async (options: DrillOptions) => {
      exit(await drill(await context(), options, terminal.colours === true))
    })
}

/** An ordinary operation whose candidate is its baseline: every step of a way back, and nothing changes. */
export function drillRequest(running: string, { outsideWindow }: DrillOptions): OperationRequest {
  return {
    storePath: running,
    mode: 'switch',
    confirm: { by: 'health', windowSeconds: 60 },
    reason: 'rollback drill',
    ...(outsideWindow ? { outsideWindow: true } : {})
  }
}

/** Exit code 0 when the running system could be activated once more, and was proven. */
async function drill(context: Context, options: DrillOptions, colours: boolean): Promise<number> {
  const { socketDirectory } = context.settings
  const client = agentClient(`${socketDirectory}/operate.sock`, LOOK_MS)
  const running = await runningOf(client)
  const looked = await client.preflight(running, 'switch')
  const outsideAlone = looked.checks.every(({ name, result }) => result !== 'fail' || name === 'window')
  const may = looked.ok || (options.outsideWindow === true && outsideAlone)
  if (!may || options.lookOnly) {
    print(context, looked, () => views.preflight(looked, colours))
    return may ? 0 : 1
  }
  const { id } = await client.start(drillRequest(running, options))
  return follow(context, client, id, ['committed'])
}

async function runningOf(client: AgentClient): Promise<string> {
  const { running } = (await client.host()).profiles.find(({ profile }) => profile === 'system') ?? {}
  if (running !== undefined && running !== null) return running
  throw new BelayError('path-not-valid', 'no system runs here: /run/current-system is missing')
}
