import { clean } from '../../../shared/clean.ts'
import type { Said } from '../../rollout/words.ts'
import type { Signed } from '../commands/rollout-approve.ts'

/** A stage that was approved, and what was signed for its hosts. */
export function approvedStageView({
  rollout,
  targets,
  signed
}: Said & { readonly signed: readonly Signed[] }): string {
  const lines = signed.map(({ host, planHash, problem }) =>
    problem === null ? `  ${host}  signed plan ${planHash}` : `  ${host}  not signed: ${clean(problem)}`
  )
  return `${[`${rollout}: approve ${targets.join(', ')}`, ...lines].join('\n')}\n`
}
