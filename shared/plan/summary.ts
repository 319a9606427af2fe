import type { Plan, UnitAction } from '../api/plan.ts'
import { counted, size, sizeDifference } from './layout.ts'

/** `2 upgraded, 1 added` of what has such a kind, in the order of the kinds; empty for nothing. */
export function countKinds<K extends string>(kinds: Readonly<Record<K, string>>, all: readonly K[]): string {
  return (Object.keys(kinds) as K[])
    .map((kind) => [all.filter((each) => each === kind).length, kinds[kind]] as const)
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`)
    .join(', ')
}

export const packageWords: Readonly<Record<Plan['packages'][number]['change'], string>> = {
  upgraded: 'upgraded',
  downgraded: 'downgraded',
  changed: 'changed',
  added: 'added',
  removed: 'removed',
  rebuilt: 'rebuilt'
}

export const changeWords = { added: 'added', removed: 'removed', changed: 'changed' } as const

/** In the order of how much they interrupt. */
export const actionWords: Readonly<Record<UnitAction, string>> = {
  stop: 'stopped',
  restart: 'restarted',
  start: 'started',
  reload: 'reloaded',
  keep: 'kept as they are',
  none: 'changed only'
}

/** Whether and why a reboot is needed, in a line. */
export function rebootLine({ reboot }: Plan): string {
  const causes = reboot.causes.map(({ what }) => what).join(', ')
  if (reboot.required) return `required: ${causes}`
  return reboot.recommended ? `recommended: ${causes}` : 'not needed'
}

export function closureLine({ closure: { before, after, added, removed } }: Plan): string {
  const difference = sizeDifference(after.bytes - before.bytes) || 'same size'
  const paths = `${before.paths} → ${after.paths} paths (+${added} −${removed})`
  return `${size(before.bytes)} → ${size(after.bytes)} (${difference}), ${paths}`
}

/** Where the files of a plan are. */
export const whereFiles = ({ profile }: Pick<Plan, 'profile'>): string =>
  profile === 'system' ? 'under /etc' : 'in the home'

/** The plan in one line. */
export function summaryLine(plan: Plan): string {
  const { packages, services, files, secrets, reboot } = plan
  const touched = services.filter(({ action }) => action !== 'none' && action !== 'keep')
  const parts = [
    packages.length > 0 && `${counted(packages.length, 'package')}`,
    touched.length > 0 && `${counted(touched.length, 'unit')} touched`,
    files.length > 0 && `${counted(files.length, 'file')} ${whereFiles(plan)}`,
    secrets.length > 0 && counted(secrets.length, 'secret'),
    reboot.causes.length > 0 && `reboot ${reboot.required ? 'required' : 'recommended'}`
  ]
  return parts.filter((part) => part !== false).join(', ') || 'nothing changes'
}
