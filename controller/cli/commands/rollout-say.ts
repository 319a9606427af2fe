import { chooseRollout } from '../../rollout/report.ts'
import type { Said, Word } from '../../rollout/words.ts'
import { sayTo } from '../../rollout/words.ts'
import { openStore } from '../../store/store.ts'
import type { Server, ServerOptions } from '../server.ts'
import { findServer } from '../server.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'
import { operatorName } from './who.ts'

/** Options of the commands with which a person says something. */
export interface SayOptions extends GlobalOptions, ServerOptions {
  readonly rollout?: string
  readonly reason?: string
}

/** Records what a person says; whoever drives the rollout hears it within a second. */
export async function say(
  word: Word,
  target: string | undefined,
  options: SayOptions,
  { clock }: Pick<Wiring, 'clock'>
): Promise<Said> {
  const server = await findServer(options)
  if (server !== null) return await tell(server, word, target, options)
  using store = await openStore(options.state)
  const at = new Date(clock.now()).toISOString()
  const author = { at, who: operatorName(), why: options.reason ?? null }
  return sayTo(store, chooseRollout(store, options.rollout), { word, target, author })
}

async function tell(
  server: Server,
  word: Word,
  target: string | undefined,
  { rollout, reason }: SayOptions
): Promise<Said> {
  const body = { ...(target === undefined ? {} : { target }), ...(reason === undefined ? {} : { reason }) }
  const path = `/v1/rollouts/${encodeURIComponent(rollout ?? 'current')}/${word}`
  return await server.call<Said>(word === 'approve' ? 'approve' : 'operate', 'POST', path, body)
}
