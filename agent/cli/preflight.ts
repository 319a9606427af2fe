import { Option } from 'commander'
import { agentClient } from '../../shared/agent-client/client.ts'
import type { ActivationMode } from '../../shared/api/schemas.ts'
import { activationModes } from '../../shared/api/schemas.ts'
import { clean } from '../../shared/clean.ts'
import type { Context, OfProfile } from './commands.ts'
import { print } from './commands.ts'
import { ofProfile } from './profile.ts'
import type { Shell } from './program.ts'
import * as views from './views/preflight.ts'

interface PreflightOptions extends OfProfile {
  readonly mode: ActivationMode
}

/** Looking before an activation, and keeping activations back. */
export function addPreflight({ program, terminal, context, exit }: Shell): void {
  program
    .command('preflight <store-path>')
    .description('whether a generation could be activated now: every check, and what to do; changes nothing')
    .addOption(
      new Option('--mode <mode>', 'how it is to come to run').choices(activationModes).default('switch')
    )
    .addOption(ofProfile())
    .action(async (storePath: string, options: PreflightOptions) => {
      exit(await preflight(await context(), storePath, options, terminal.colours === true))
    })
  program
    .command('hold <reason>')
    .description('refuse activations until the release; a rollback stays possible')
    .addOption(ofProfile())
    .action(async (reason: string, options: OfProfile) => {
      exit(await hold(await context(), reason, options))
    })
  program
    .command('release')
    .description('let activations in again')
    .addOption(ofProfile())
    .action(async (options: OfProfile) => {
      exit(await release(await context(), options))
    })
}

const socket = ({ settings }: Context, role: 'observe' | 'operate') =>
  agentClient(`${settings.socketDirectory}/${role}.sock`)

/** Exit code 1 where something keeps an activation back. */
async function preflight(
  context: Context,
  storePath: string,
  { mode, profile }: PreflightOptions,
  colours: boolean
): Promise<number> {
  const answer = await socket(context, 'observe').preflight(storePath, mode, profile)
  print(context, answer, () => views.preflight(answer, colours))
  return answer.ok ? 0 : 1
}

async function hold(context: Context, reason: string, { profile }: OfProfile): Promise<number> {
  const answer = await socket(context, 'operate').hold(reason, profile)
  const release = `belay-agent release${profile === undefined ? '' : ` --profile ${profile}`}`
  print(context, answer, () => `On hold: ${clean(reason)}\n${release} lets activations in again.`)
  return 0
}

async function release(context: Context, { profile = 'system' }: OfProfile): Promise<number> {
  const host = await socket(context, 'observe').host()
  const home = host.profiles.find((each) => each.profile === profile)?.home
  const before = profile === 'system' ? host.hold : (home?.hold ?? null)
  const answer = await socket(context, 'operate').release(profile)
  print(context, answer, () => (before === null ? 'It was not on hold.' : 'Released.'))
  return 0
}
