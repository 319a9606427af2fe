import { chooseRollout } from '../../rollout/report.ts'
import type { Said, Word } from '../../rollout/words.ts'
import { sayTo } from '../../rollout/words.ts'
import { openStore } from '../../store/store.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'
import { operatorName } from './who.ts'

/** Options of the commands with which a person says something. */
export interface SayOptions extends GlobalOptions {
  readonly rollout?: string
  readonly reason?: string
  readonly state: string
}

/** Records what a person says; whoever drives the rollout hears it within a second. */
export async function say(
  word: Word,
  target: string | undefined,
  options: SayOptions,
  { clock }: Pick<Wiring, 'clock'>
): Promise<Said> {
  using store = await openStore(options.state)
  const at = new Date(clock.now()).toISOString()
  const author = { at, who: operatorName(), why: options.reason ?? null }
  return sayTo(store, chooseRollout(store, options.rollout), { word, target, author })
}
