/** The points of the production checklist, as the fleet file names them. Closed: programs may branch on them. */
export const checklistPoints = [
  'ci',
  'plan-reviewed',
  'baseline-verified',
  'drill',
  'stable-kept',
  'monitoring',
  'second-way',
  'window'
] as const
export type ChecklistPoint = (typeof checklistPoints)[number]
