import { lstat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { BelayError } from '../../shared/errors.ts'
import { choosePlatform } from '../platform/choose.ts'
import { carryOut, hostHands } from '../rescue/carry-out.ts'
import { gather } from '../rescue/evidence.ts'
import { scriptFor, scriptPath } from '../rescue/keep.ts'
import { planRescue } from '../rescue/plan.ts'
import type { Context } from './commands.ts'
import { print, printError } from './commands.ts'
import * as views from './views/rescue.ts'

export interface RescueOptions {
  readonly run?: true
  readonly script?: true
  readonly generation?: number
}

/** Shows the way back, or goes it. Reads files only: the agent may be dead, and any of the files may be missing. */
export async function rescue(context: Context, options: RescueOptions): Promise<number> {
  const { settings, terminal } = context
  const way = await (await choosePlatform()).rescue()
  const evidence = await gather(settings, way)
  if (process.getuid?.() !== 0 && evidence.unfinished === null)
    terminal.err('Only root sees the operations; this is the way back without them.\n')
  for (const note of evidence.notes) terminal.err(`${views.note(note)}\n`)
  const plan = planRescue(evidence, settings, way, options.generation)
  const lastResort = way.hints.lastResort(plan)
  const hostName = settings.hostName || hostname()
  if (plan === null) {
    print(context, { host: hostName, seen: evidence.seen, plan: null }, () => views.noWay(lastResort))
    return 1
  }
  if (options.script) {
    terminal.out(scriptFor(plan, settings, way, new Date().toISOString()))
    return 0
  }
  const script = (await lstat(scriptPath(settings)).catch(() => null)) === null ? null : scriptPath(settings)
  if (!options.run) {
    const { seen, unreadable } = evidence
    print(context, { host: hostName, seen, unreadable, plan, script }, () =>
      views.rescue({ hostName, seen, unreadable, plan, lastResort, script })
    )
    return 0
  }
  if (process.getuid?.() !== 0) throw new BelayError('permission-denied', 'be root, or use sudo')
  if (!plan.needed && options.generation === undefined) {
    const { number } = plan.chosen
    const text = `nothing is unfinished here; say where to, as in: belay-agent rescue --run --generation ${number}`
    printError(new BelayError('invalid-request', text, { wanted: '--generation' }), context.json, terminal)
    return 2
  }
  print(context, { type: 'plan', plan }, () => views.goal(plan))
  const ended = await carryOut({
    plan,
    way,
    settings,
    unreadable: evidence.unreadable,
    hands: hostHands(() => way.observe(settings)),
    tell: (progress) => print(context, progress, () => views.progress(progress))
  })
  print(context, { type: 'rescued', ...ended }, () => views.rescued(ended))
  return ended.ok ? 0 : 1
}
