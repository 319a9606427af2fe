import { realpath } from 'node:fs/promises'
import { agentClient } from '../../shared/agent-client/client.ts'
import type { Context, OfProfile } from './commands.ts'
import { print } from './commands.ts'
import type { Screen } from './views/preview.ts'
import * as views from './views/preview.ts'

export interface PreviewOptions extends OfProfile {
  readonly diff?: true
  readonly dryActivate?: true
  readonly markdown?: true
  readonly all?: true
}

/** Milliseconds: a large closure takes a second, `dry-activate` up to two minutes. */
const LIMIT = 180_000

/** Shows what an activation would change. */
export async function preview(
  context: Context,
  path: string,
  options: PreviewOptions,
  screen = terminalScreen()
): Promise<number> {
  const role = options.dryActivate ? 'operate' : 'observe'
  const client = agentClient(`${context.settings.socketDirectory}/${role}.sock`, LIMIT)
  const plan = await client.preview(
    {
      // What nix build leaves is a link.
      storePath: await realpath(path).catch(() => path),
      files: options.diff === true,
      dryActivate: options.dryActivate === true
    },
    options.profile
  )
  const how = { markdown: options.markdown === true, all: options.all === true }
  print(context, plan, () => views.preview(plan, how, screen))
  return 0
}

/** What we write to. A pipe is told by COLUMNS and FORCE_COLOR what to take it for. */
function terminalScreen({ stdout, env } = process): Screen {
  const columns = Number(env.COLUMNS) || (stdout.isTTY ? stdout.columns : 100)
  const color = !env.NO_COLOR && (Boolean(env.FORCE_COLOR) || (stdout.isTTY && env.TERM !== 'dumb'))
  return { columns: Math.max(40, columns), color }
}
