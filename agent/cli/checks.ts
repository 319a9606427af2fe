import { agentClient } from '../../shared/agent-client/client.ts'
import type { Context } from './commands.ts'
import { print } from './commands.ts'
import * as views from './views/checks.ts'

/** Longer than a check may take, and than two others before it, in milliseconds. */
const RUN_MS = 620_000

/** Prints every check. Exit code 1 when one is failing. */
export async function checks(context: Context): Promise<number> {
  const answer = await agentClient(`${context.settings.socketDirectory}/observe.sock`).checks()
  print(context, answer, () => views.checks(answer.checks))
  return answer.checks.some(({ failing }) => failing) ? 1 : 0
}

/** Runs a check now. Exit code 0 when it passes or warns, 1 when it fails or cannot tell. */
export async function runCheck(context: Context, name: string): Promise<number> {
  const state = await agentClient(`${context.settings.socketDirectory}/operate.sock`, RUN_MS).runCheck(name)
  print(context, state, () => views.check(state))
  return state.result === 'pass' || state.result === 'warn' ? 0 : 1
}
