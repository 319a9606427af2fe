import type { KeepReason, Retained } from '../../../shared/api/retention.ts'
import { clean } from '../../../shared/clean.ts'
import type { Collected } from '../../retention/gc.ts'
import type { CollectedHome } from '../../retention/homes.ts'

const words: Record<KeepReason, string> = {
  newest: 'among the newest',
  young: 'young',
  profile: 'profile',
  running: 'running',
  booted: 'booted',
  'boot-default': 'boots next',
  'last-known-good': 'last known good',
  operation: 'of an unfinished operation'
}

/** Every generation with its reasons, and what was done. */
export function collected(done: Collected): string {
  const { dryRun, generations, deleted } = done
  const going = generations.filter(({ keep }) => !keep).length
  const lines = generations.map((row) => line(row, dryRun))
  if (going === 0) lines.push('Nothing to delete.')
  else if (dryRun) lines.push(`${going} of ${generations.length} generations would be deleted.`)
  else
    lines.push(
      `Deleted ${deleted.length} generations. Their space returns with the next nix-collect-garbage.`
    )
  if (done.boot === 'checked') lines.push('Boot entries: written and checked; the next boot is what it was.')
  if (done.boot === 'unreadable')
    lines.push('Boot entries: written; with this boot loader they cannot be read.')
  return [...lines, ...done.homes.flatMap((home) => homeLines(home, dryRun))].join('\n')
}

function homeLines({ user, generations, deleted, problem }: CollectedHome, dryRun: boolean): string[] {
  if (problem !== null) return ['', `home:${user}: ${clean(problem)}`]
  const going = generations.filter(({ keep }) => !keep).length
  const sum =
    going === 0 ? 'nothing to delete' : dryRun ? `${going} would be deleted` : `deleted ${deleted.length}`
  return ['', `home:${user}: ${sum}`, ...generations.map((row) => line(row, dryRun))]
}

function line({ number, createdAt, storePath, keep, reasons }: Retained, dryRun: boolean): string {
  const verdict = keep ? 'keep' : dryRun ? 'delete' : 'deleted'
  const name = clean(storePath.replace('/nix/store/', '').replace(/^(.{8}).{24}/, '$1…'))
  const why = reasons.map((reason) => words[reason]).join(', ')
  return `${String(number).padStart(4)}  ${createdAt.slice(0, 10)}  ${verdict.padEnd(7)}  ${name}  ${why}`.trimEnd()
}
