import { BelayError } from '../../shared/errors.ts'
import { choosePlatform } from '../platform/choose.ts'
import { collect, planned } from '../retention/gc.ts'
import type { Context } from './commands.ts'
import { print } from './commands.ts'
import * as views from './views/gc.ts'

export interface GcOptions {
  readonly dryRun?: true
}

/** Deletes generations that nothing speaks for, or says which. By itself: needs root, and no agent. */
export async function gc(context: Context, { dryRun }: GcOptions): Promise<number> {
  if (process.getuid?.() !== 0) throw new BelayError('permission-denied', 'be root, or use sudo')
  const { settings } = context
  const shelf = await (await choosePlatform()).retention()
  const done = await (dryRun ? planned : collect)(settings, shelf, Date.now())
  print(context, done, () => views.collected(done))
  return 0
}
