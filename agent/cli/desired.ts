import { readFile } from 'node:fs/promises'
import { Option } from 'commander'
import { agentClient } from '../../shared/agent-client/client.ts'
import type { DesiredRequest, DesiredState } from '../../shared/api/desired.ts'
import type { ActivationMode } from '../../shared/api/schemas.ts'
import { activationModes } from '../../shared/api/schemas.ts'
import { BelayError } from '../../shared/errors.ts'
import type { Context } from './commands.ts'
import { print } from './commands.ts'
import type { Shell } from './program.ts'
import { wholeNumber } from './program.ts'
import { desiredView } from './views/desired.ts'

interface SetOptions {
  readonly revision: number
  readonly confirm: 'connection' | 'health'
  readonly window?: number
  readonly mode?: ActivationMode
  readonly plan?: string
  readonly approval?: string
  readonly again?: true
  readonly reason?: string
}

/** Milliseconds: with an approval the host makes the plan anew before it answers. */
const SET_MS = 120_000

/** What this host is to run. */
export function addDesired({ program, context, exit }: Shell): void {
  const desired = program
    .command('desired')
    .description('what this host is to run, and why it does not yet')
    .action(async () => exit(await show(await context())))
  desired
    .command('set <store-path>')
    .description('say what it is to run: it goes there by itself, as its windows, holds and approvals let it')
    .requiredOption('--revision <number>', 'above the last one; a host goes back to none', wholeNumber)
    .addOption(
      new Option('--confirm <by>', 'what commits it: somebody over a new connection, or local verification')
        .choices(['connection', 'health'])
        .makeOptionMandatory()
    )
    .option('--window <seconds>', 'confirm window', wholeNumber)
    .addOption(new Option('--mode <mode>', 'how it is to come to run').choices(activationModes))
    .option('--plan <hash>', 'the plan that was read: nothing else is carried out')
    .option('--approval <file>', 'a signed approval, taken in with it')
    .option('--again', 'also a generation that was rolled back under an earlier revision')
    .option('--reason <text>', 'why, for the journal')
    .action(async (storePath: string, options: SetOptions) =>
      exit(await set(await context(), storePath, options))
    )
  desired
    .command('withdraw')
    .description('take it back; what runs stays')
    .requiredOption('--revision <number>', 'the revision that is kept', wholeNumber)
    .requiredOption('--reason <text>', 'why')
    .action(async (options: { readonly revision: number; readonly reason: string }) =>
      exit(await withdraw(await context(), options))
    )
}

const socket = ({ settings }: Context, role: 'observe' | 'operate', timeoutMs?: number) =>
  agentClient(`${settings.socketDirectory}/${role}.sock`, timeoutMs)

/** Exit code 1 while it is not reached. */
async function show(context: Context): Promise<number> {
  const state = await socket(context, 'observe').call<DesiredState>('GET', '/v1/desired')
  print(context, state, () => desiredView(state))
  return state.is === 'pending' ? 1 : 0
}

async function set(context: Context, storePath: string, options: SetOptions): Promise<number> {
  const { revision, confirm, window, mode, plan, approval, again, reason } = options
  const request: DesiredRequest = {
    profile: 'system',
    storePath,
    revision,
    confirm: { by: confirm, windowSeconds: window ?? context.settings.confirm.windowSeconds },
    ...(mode === undefined ? {} : { mode }),
    ...(plan === undefined ? {} : { planHash: plan }),
    ...(approval === undefined ? {} : { approval: await read(approval) }),
    ...(again ? { again: true } : {}),
    ...(reason === undefined ? {} : { reason })
  }
  const state = await socket(context, 'operate', SET_MS).call<DesiredState>('PUT', '/v1/desired', request)
  print(context, state, () => desiredView(state))
  return 0
}

async function withdraw(
  context: Context,
  request: { readonly revision: number; readonly reason: string }
): Promise<number> {
  const { revision, reason } = request
  const state = await socket(context, 'operate').call<DesiredState>('DELETE', '/v1/desired', {
    revision,
    reason
  })
  print(context, state, () => desiredView(state))
  return 0
}

async function read(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new BelayError('invalid-request', `${file} cannot be read`, { cause, at: file })
  })
}
