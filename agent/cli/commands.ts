import type { AgentClient } from '../../shared/agent-client/client.ts'
import { agentClient } from '../../shared/agent-client/client.ts'
import type { ProfileName } from '../../shared/api/profile.ts'
import type { ActivationMode, Operation, OperationEvent } from '../../shared/api/schemas.ts'
import { clean } from '../../shared/clean.ts'
import { BelayError, codeOf, describeError } from '../../shared/errors.ts'
import type { Settings } from '../config/settings.ts'
import { loadSettings } from '../config/settings.ts'
import { choosePlatform } from '../platform/choose.ts'
import { followByApi, followByJournal } from './follow.ts'
import type { HomeOfUser } from './profile.ts'
import * as views from './views/text.ts'

/** Where a command prints. */
export interface Terminal {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Whether it shows colours; it does not where nothing is said. */
  readonly colours?: boolean
}

/** What every command gets. */
export interface Context {
  readonly settings: Settings
  readonly config: string | null
  readonly json: boolean
  readonly terminal: Terminal
}

/** Of which profile; the system's where nothing is said. */
export interface OfProfile {
  readonly profile?: ProfileName
}

export interface ActivateOptions extends OfProfile {
  readonly withHome?: readonly HomeOfUser[]
  readonly window?: number
  readonly autoConfirm?: true
  readonly mode?: ActivationMode
  readonly revision?: number
  readonly reason?: string
  readonly again?: true
  readonly overDrift?: true
  readonly outsideWindow?: true
  readonly follow: boolean
}

export interface RollbackOptions extends OfProfile {
  readonly generation?: number
  readonly reason?: string
}

const socket = (context: Context, role: 'observe' | 'operate' | 'admin') =>
  agentClient(`${context.settings.socketDirectory}/${role}.sock`)

/** Data as JSON where that was asked for, else as text. */
export const print = (context: Context, data: unknown, text: () => string) =>
  context.terminal.out(context.json ? `${JSON.stringify(data)}\n` : `${text()}\n`)

export async function status(context: Context): Promise<number> {
  const client = socket(context, 'observe')
  const [host, { operations }] = await Promise.all([client.host(), client.operations()])
  const operation = operations[0] ?? null
  print(context, { host, operation }, () => views.status(host, operation))
  return 0
}

export async function generations(context: Context, { profile }: OfProfile): Promise<number> {
  const answer = await socket(context, 'observe').generations(profile)
  print(context, answer, () => views.generations(answer.generations))
  return 0
}

export async function activate(
  context: Context,
  storePath: string,
  options: ActivateOptions
): Promise<number> {
  const client = socket(context, 'operate')
  const windowSeconds = options.window ?? context.settings.confirm.windowSeconds
  const operation = await client.start({
    storePath,
    ...(options.profile === undefined ? {} : { profile: options.profile }),
    ...(options.withHome === undefined ? {} : { homes: [...options.withHome] }),
    ...(options.mode === undefined ? {} : { mode: options.mode }),
    confirm: { by: options.autoConfirm ? 'health' : 'connection', windowSeconds },
    ...(options.revision === undefined ? {} : { revision: options.revision }),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
    ...(options.again ? { again: true } : {}),
    ...(options.overDrift ? { overDrift: true } : {}),
    ...(options.outsideWindow ? { outsideWindow: true } : {})
  })
  if (options.follow) return show(context, followByApi(client, operation.id), ['committed'], true)
  print(context, operation, () => views.operation(operation))
  return 0
}

/** Opens a new connection, as a confirmation must, and confirms what waits for it. */
export async function confirm(context: Context, id: string | undefined): Promise<number> {
  const client = socket(context, 'operate')
  const waiting = id === undefined ? await newestWaiting(client) : await client.operation(id)
  const nonce = waiting?.confirmation?.nonce
  if (!waiting || !nonce) {
    const found = waiting ? `operation ${waiting.id} is ${waiting.phase}` : 'no operation'
    throw new BelayError('not-confirming', `nothing waits for a confirmation: ${found}`, {
      found,
      wanted: 'confirming'
    })
  }
  await client.confirm(waiting.id, nonce, await (await choosePlatform()).sessionStart())
  return follow(context, client, waiting.id, ['committed'])
}

/** The newest operation that waits for a confirmation, a home's too; else the newest. */
async function newestWaiting(client: AgentClient): Promise<Operation | undefined> {
  const { operations } = await client.operations()
  return operations.find(({ confirmation }) => confirmation !== null) ?? operations[0]
}

/** Boots what is staged. The host goes down with this session: the operation goes on by itself. */
export async function reboot(context: Context, id: string | undefined): Promise<number> {
  const client = socket(context, 'operate')
  const staged = id ?? (await client.operations()).operations.find(({ phase }) => phase === 'staged')?.id
  if (staged === undefined)
    throw new BelayError('not-staged', 'nothing waits for a reboot', {
      wanted: 'an operation that is staged'
    })
  const operation = await client.reboot(staged)
  print(context, operation, () => `  operation ${operation.id} reboots this host now`)
  return 0
}

/** How an operation ends that leaves the host, or brings it back to, what ran before. */
const baselineAgain: readonly Operation['phase'][] = ['rolled-back', 'cancelled', 'refused']

/** Said at every emergency rollback. */
const held = ({ profile }: OfProfile) =>
  profile === undefined || profile === 'system'
    ? 'The host is on hold from now on: belay-agent release lets activations in again.\n'
    : `${profile} is on hold from now on: belay-agent release --profile ${profile} lets activations in again.\n`

/** By the daemon; where none answers this process admits the operation and starts the runner itself. */
export async function rollback(context: Context, options: RollbackOptions): Promise<number> {
  // Root may go back to what is not known to be good, too.
  const client = socket(context, process.geteuid?.() === 0 ? 'admin' : 'operate')
  const request = {
    ...(options.profile === undefined ? {} : { profile: options.profile }),
    ...(options.generation === undefined ? {} : { generation: options.generation }),
    ...(options.reason === undefined ? {} : { reason: options.reason })
  }
  const started = await client.rollback(request).catch((error: unknown) => {
    if (codeOf(error) === 'host-unreachable') return null
    throw error
  })
  if (started) {
    context.terminal.err(held(options))
    return follow(context, client, started.id, baselineAgain)
  }
  context.terminal.err('The agent does not answer; rolling back without it.\n')
  const { rollbackWithoutDaemon } = await import('./without-daemon.ts')
  const { id, root } = await rollbackWithoutDaemon(context.settings, context.config, request)
  context.terminal.err(held(options))
  return show(context, followByJournal(root, id), baselineAgain)
}

export async function log(context: Context, id: string | undefined): Promise<number> {
  const client = socket(context, 'observe')
  const wanted = id ?? (await client.operations()).operations[0]?.id
  if (wanted === undefined) throw new BelayError('operation-unknown', 'there has been no operation yet')
  await client.operation(wanted)
  await follow(context, client, wanted, ['committed'])
  return 0
}

export async function configCheck(file: string | null, terminal: Terminal): Promise<number> {
  await loadSettings(file, true)
  terminal.out('The configuration is valid.\n')
  return 0
}

/** Follows an operation; exit code 0 when it ends as wanted. */
export const follow = (
  context: Context,
  client: AgentClient,
  id: string,
  wanted: readonly Operation['phase'][]
) => show(context, followByApi(client, id), wanted)

/** Prints events as they come; exit code 0 when the operation ends as wanted, or is left to wait for its reboot. */
async function show(
  context: Context,
  events: AsyncIterable<OperationEvent>,
  wanted: readonly Operation['phase'][],
  leaveStaged = false
): Promise<number> {
  let phase: Operation['phase'] | null = null
  for await (const event of events) {
    if (event.type === 'operation') phase = event.phase
    print(context, event, () => views.event(event))
    if (phase !== 'staged' || !leaveStaged) continue
    if (!context.json) context.terminal.out(`${views.staged()}\n`)
    return 0
  }
  return phase !== null && wanted.includes(phase) ? 0 : 1
}

/** One error, once, with what was found and what was wanted. */
export function printError(error: unknown, json: boolean, terminal: Terminal): void {
  const { found, wanted, at } = error instanceof BelayError ? error : {}
  if (json)
    terminal.out(
      `${JSON.stringify({ error: { code: codeOf(error), message: describeError(error), found, wanted, at } })}\n`
    )
  else {
    const lines = describeError(error).split('\n').map(clean)
    terminal.err(`error: ${lines.join('\n  ')} (${codeOf(error)})\n`)
  }
}
