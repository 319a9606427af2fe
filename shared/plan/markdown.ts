import type { NameChange, Plan } from '../api/plan.ts'
import { clean, plainMarkdown } from '../clean.ts'
import { sizeDifference } from './layout.ts'
import {
  actionWords,
  changeWords,
  closureLine,
  countKinds,
  packageWords,
  rebootLine,
  summaryLine,
  whereFiles
} from './summary.ts'

/** A plan for a pull request: a table of what counts, everything else folded away. */
export function markdownPlan(plan: Plan): string {
  const { notCovered } = plan
  const limits = notCovered.map(({ text }) => `* ${plainMarkdown(text)}`).join('\n')
  const parts = [
    `### ${plainMarkdown(plan.host)}: ${plainMarkdown(summaryLine(plan))}`,
    `${code(plan.from)}\n→ ${code(plan.to)}`,
    facts(plan),
    packagesPart(plan),
    folded(
      'Services',
      ['', 'Unit', 'Why'],
      plan.services.map((s) => [s.action, code(s.unit), plainMarkdown(s.reason)])
    ),
    filesPart(plan),
    namesPart('Applications', plan.macos?.applications),
    namesPart('Settings', plan.macos?.defaults),
    folded(
      'Reboot',
      ['What', 'From', 'To'],
      plan.reboot.causes.map((c) => [plainMarkdown(c.what), code(c.from ?? 'none'), code(c.to ?? 'none')])
    ),
    folded(
      'Secrets',
      ['', 'Secret', 'What', 'Units'],
      plan.secrets.map((s) => [
        s.change,
        code(s.name),
        plainMarkdown(s.what.join(', ')),
        plainMarkdown(s.units.join(', '))
      ])
    ),
    dryPart(plan),
    notCovered.length === 0 ? '' : `**A rollback does not bring back**\n\n${limits}`,
    `Plan hash: \`${plan.hash}\``
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

function facts(plan: Plan): string {
  const count = <K extends string>(kinds: Readonly<Record<K, string>>, all: readonly { change: K }[]) => {
    const changes = all.map(({ change }) => change)
    return countKinds(kinds, changes) || 'none'
  }
  const actions = plan.services.map(({ action }) => action)
  const rows: readonly (readonly [string, string])[] = [
    ['Packages', count(packageWords, plan.packages)],
    ['Services', countKinds(actionWords, actions) || 'none'],
    [`Files ${whereFiles(plan)}`, count(changeWords, plan.files)],
    ['Reboot', rebootLine(plan)],
    ['Secrets', count(changeWords, plan.secrets)],
    ['Closure', closureLine(plan)]
  ]
  return table(
    ['', ''],
    rows.map(([name, value]) => [`**${name}**`, plainMarkdown(value)])
  )
}

function packagesPart({ packages }: Plan): string {
  const versions = (all: readonly string[]) =>
    plainMarkdown(all.map((each) => each || '(no version)').join(', '))
  const rows = packages.map((p) => [
    ...[p.change, code(p.name), versions(p.before), versions(p.after)],
    sizeDifference(p.bytesAfter - p.bytesBefore)
  ])
  return folded('Packages', ['', 'Package', 'Before', 'After', 'Size'], rows)
}

const namesPart = (title: string, changes: readonly NameChange[] = []) =>
  folded(
    title,
    ['', 'What'],
    changes.map(({ change, name }) => [change, code(name)])
  )

function filesPart({ files, ...plan }: Plan): string {
  const rows = files.map(({ path, change, note }) => [change, code(path), plainMarkdown(note ?? '')])
  const diffs = files.flatMap(({ diff }) => (diff === null ? [] : [fenced(diff)]))
  return folded(`Files ${whereFiles(plan)}`, ['', 'File', ''], rows, diffs)
}

function dryPart({ dryActivation: dry }: Plan): string {
  if (dry === null) return ''
  const lists = ['stop', 'restart', 'start', 'reload', 'keep'] as const
  const rows = lists.flatMap((action) => dry[action].map((unit) => [action, code(unit)]))
  const said = dry.other.map((line) => ['said', code(line)])
  return folded('Dry run, by the generation itself', ['', ''], [...rows, ...said])
}

/** Code, whatever is in it. A bar would end a cell of a table even there. */
function code(text: string): string {
  const shown = clean(text).replaceAll('|', '¦')
  const fence = '`'.repeat(longestRun(shown) + 1)
  const pad = shown.includes('`') || shown === '' ? ' ' : ''
  return `${fence}${pad}${shown}${pad}${fence}`
}

/** A diff in a fence longer than any in it. */
function fenced(diff: string): string {
  const fence = '`'.repeat(Math.max(3, longestRun(diff) + 1))
  return `${fence}diff\n${diff.split('\n').map(clean).join('\n').trimEnd()}\n${fence}`
}

const longestRun = (text: string) => Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length))

type Rows = readonly (readonly string[])[]

function table(heading: readonly string[], rows: Rows): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(heading), line(heading.map(() => '---')), ...rows.map(line)].join('\n')
}

function folded(title: string, heading: readonly string[], rows: Rows, more: readonly string[] = []): string {
  if (rows.length === 0) return ''
  const body = [table(heading, rows), ...more].join('\n\n')
  return `<details><summary>${title} (${rows.length})</summary>\n\n${body}\n\n</details>`
}
