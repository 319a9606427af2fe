import { Option } from 'commander'
import { agentClient } from '../../shared/agent-client/client.ts'
import type { ActivationMode } from '../../shared/api/schemas.ts'
import { activationModes } from '../../shared/api/schemas.ts'
import { clean } from '../../shared/clean.ts'
import type { Context } from './commands.ts'
import { print } from './commands.ts'
import type { Shell } from './program.ts'
import * as views from './views/preflight.ts'

/** Looking before an activation, and keeping activations back. */
export function addPreflight({ program, terminal, context, exit }: Shell): void {
  program
    .command('preflight <store-path>')
    .description('whether a generation could be activated now: every check, and what to do; changes nothing')
    .addOption(
      new Option('--mode <mode>', 'how it is to come to run').choices(activationModes).default('switch')
    )
    .action(async (storePath: string, { mode }: { readonly mode: ActivationMode }) => {
      exit(await preflight(await context(), storePath, mode, terminal.colours === true))
    })
  program
    .command('hold <reason>')
    .description('refuse activations until the release; a rollback stays possible')
    .action(async (reason: string) => {
      exit(await hold(await context(), reason))
    })
  program
    .command('release')
    .description('let activations in again')
    .action(async () => {
      exit(await release(await context()))
    })
}

const socket = ({ settings }: Context, role: 'observe' | 'operate') =>
  agentClient(`${settings.socketDirectory}/${role}.sock`)

/** Exit code 1 where something keeps an activation back. */
async function preflight(
  context: Context,
  storePath: string,
  mode: ActivationMode,
  colours: boolean
): Promise<number> {
  const answer = await socket(context, 'observe').preflight(storePath, mode)
  print(context, answer, () => views.preflight(answer, colours))
  return answer.ok ? 0 : 1
}

async function hold(context: Context, reason: string): Promise<number> {
  const answer = await socket(context, 'operate').hold(reason)
  print(context, answer, () => `On hold: ${clean(reason)}\nbelay-agent release lets activations in again.`)
  return 0
}

async function release(context: Context): Promise<number> {
  const before = (await socket(context, 'observe').host()).hold
  const answer = await socket(context, 'operate').release()
  print(context, answer, () => (before === null ? 'It was not on hold.' : 'Released.'))
  return 0
}
