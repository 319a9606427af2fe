import { realpath } from 'node:fs/promises'
import { agentClient } from '../../shared/agent-client/client.ts'
import type { Context } from './commands.ts'
import { print } from './commands.ts'
import type { Screen } from './views/preview.ts'
import * as views from './views/preview.ts'

export interface PreviewOptions {
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
  const plan = await client.preview({
    // What nix build leaves is a link.
    storePath: await realpath(path).catch(() => path),
    files: options.diff === true,
    dryActivate: options.dryActivate === true
  })
  const how = { markdown: options.markdown === true, all: options.all === true }
  print(context, plan, () => views.preview(plan, how, screen))
  return 0
}

/** The terminal that we write to. */
function terminalScreen(): Screen {
  const { isTTY, columns } = process.stdout
  return {
    columns: isTTY ? columns : 100,
    color: isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb'
  }
}
