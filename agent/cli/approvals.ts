import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { agentClient } from '../../shared/agent-client/client.ts'
import { MAX_APPROVAL } from '../../shared/approval.ts'
import { BelayError, codeOf } from '../../shared/errors.ts'
import type { Context } from './commands.ts'
import { print } from './commands.ts'
import * as views from './views/approvals.ts'

const socket = ({ settings }: Context, role: 'observe' | 'operate') =>
  agentClient(`${settings.socketDirectory}/${role}.sock`)

/** Lists what this host holds. */
export async function approvals(context: Context): Promise<number> {
  const answer = await socket(context, 'observe').approvals()
  print(context, answer, () => views.approvals(answer.approvals))
  return 0
}

/** Milliseconds: the host makes the plan anew before it takes an approval in. */
const PLAN_MS = 120_000

/** Hands in what was signed elsewhere; needs no network. */
export async function approve(context: Context, file: string): Promise<number> {
  const read = file === '-' ? text(process.stdin) : readFile(file, 'utf8')
  const document = await read.catch((cause: unknown) => {
    throw new BelayError('invalid-request', `${file} cannot be read`, { cause, at: file })
  })
  if (document.length > MAX_APPROVAL)
    throw new BelayError('approval-malformed', `${file} is no approval: it is too long`, { at: file })
  const { socketDirectory } = context.settings
  const by = (role: 'operate' | 'propose') =>
    agentClient(`${socketDirectory}/${role}.sock`, PLAN_MS).handIn(document)
  // It takes the role propose alone; who has the operate socket needs no second group.
  const approval = await by('operate').catch((error: unknown) => {
    if (codeOf(error) === 'permission-denied') return by('propose')
    throw error
  })
  print(context, approval, () => views.approvals([approval]))
  return 0
}

/** Takes one back that is not used yet. */
export async function revoke(context: Context, id: string, reason: string): Promise<number> {
  const approval = await socket(context, 'operate').revokeApproval(id, reason)
  print(context, approval, () => views.approvals([approval]))
  return 0
}
