import { styleText } from 'node:util'
import type { Plan } from '../../../shared/api/plan.ts'
import { humanPlan } from '../../../shared/plan/human.ts'
import type { Paint } from '../../../shared/plan/layout.ts'
import { markdownPlan } from '../../../shared/plan/markdown.ts'

/** The screen: its width, and whether it shows colours. */
export interface Screen {
  readonly columns: number
  readonly color: boolean
}

/** A plan for a terminal, or as Markdown. */
export function preview(
  plan: Plan,
  how: { readonly markdown: boolean; readonly all: boolean },
  screen: Screen
): string {
  if (how.markdown) return markdownPlan(plan)
  const paint: Paint = (format, text) =>
    screen.color ? styleText(format, text, { validateStream: false }) : text
  return humanPlan(plan, { paint, columns: screen.columns, all: how.all })
}
