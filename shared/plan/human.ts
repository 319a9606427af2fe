import type {
  DryActivation,
  FileChange,
  NameChange,
  PackageChange,
  Plan,
  ServiceChange
} from '../api/plan.ts'
import { clean } from '../clean.ts'
import type { Cell, Format, Paint, Segment } from './layout.ts'
import { counted, layRows, sizeDifference, wrap } from './layout.ts'
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

/** How a plan is shown. */
export interface HumanOptions {
  readonly paint: Paint
  /** Width of the terminal. */
  readonly columns: number
  /** All rows of every section, not only the first. */
  readonly all: boolean
}

/** Rows of a section without `all`. */
const SHOWN = 20
/** Bytes by which a rebuilt package must differ to be worth a row. */
const WORTH_A_ROW = 1024 * 1024

/** A plan for a person at a terminal. */
export function humanPlan(plan: Plan, options: HumanOptions): string {
  const { paint, columns } = options
  const sections = [
    packagesSection(plan, options),
    servicesSection(plan, options),
    filesSection(plan, options),
    namesSection('Apps', plan.macos?.applications, options),
    namesSection('Settings', plan.macos?.defaults, options),
    rebootSection(plan, options),
    secretsSection(plan, options),
    drySection(plan.dryActivation, options),
    notCoveredSection(plan, options)
  ].filter((lines) => lines.length > 0)
  const of = plan.profile === 'system' ? clean(plan.host) : `${clean(plan.host)}  ${clean(plan.profile)}`
  const host = `${paint('bold', of)}  ${paint('dim', `plan ${plan.hash.slice(0, 12)}`)}`
  const systems: Cell[][] = [
    ['from', nameOf(plan.from), [{ text: hashOf(plan.from), format: 'dim' }]],
    ['to', nameOf(plan.to), [{ text: hashOf(plan.to), format: 'dim' }]]
  ]
  const head = [host, ...layRows(systems, columns, paint, 32)]
  const foot = [
    ...under('Closure', closureLine(plan), columns),
    ...under('Summary', summaryLine(plan), columns).map((line) => paint('bold', line)),
    `Hash     ${plan.hash}`
  ]
  return [head, ...sections, foot].map((lines) => lines.join('\n')).join('\n\n')
}

/** A word, and what it stands for beside it. */
function under(word: string, text: string, columns: number): string[] {
  const lines = wrap(text, Math.max(20, columns - 9), ', ')
  return lines.map((line, i) => `${(i === 0 ? word : '').padEnd(9)}${line}`)
}

const nameOf = (path: string) => path.slice('/nix/store/'.length + 33)
const hashOf = (path: string) => path.slice('/nix/store/'.length, '/nix/store/'.length + 32)

/** A heading with its counts, then rows; how many were left out. */
function section(
  title: string,
  counts: string,
  rows: readonly Cell[][],
  o: HumanOptions,
  least = 0
): string[] {
  const { paint, columns, all } = o
  const shown = all || rows.length <= SHOWN + 1 ? rows : rows.slice(0, SHOWN)
  const left = rows.length - shown.length
  const room = Math.max(8, columns - 11)
  const [first = '', ...more] = wrap(counts, room, ', ')
  return [
    `${paint('bold', title.padEnd(9))}  ${first}`,
    ...more.map((line) => `${' '.repeat(11)}${line}`),
    ...layRows(shown, columns, paint, least),
    ...(left > 0 ? [paint('dim', `  … and ${left} more (--all)`)] : [])
  ]
}

const packageMarks: Readonly<Record<PackageChange['change'], Segment>> = {
  upgraded: { text: '↑', format: 'green' },
  downgraded: { text: '↓', format: 'yellow' },
  changed: { text: '~', format: 'yellow' },
  added: { text: '+', format: 'green' },
  removed: { text: '−', format: 'red' },
  rebuilt: { text: '=', format: 'dim' }
}

function packagesSection(plan: Plan, options: HumanOptions): string[] {
  const { packages } = plan
  if (packages.length === 0) return []
  const worth = (p: PackageChange) =>
    options.all || p.change !== 'rebuilt' || Math.abs(p.bytesAfter - p.bytesBefore) >= WORTH_A_ROW
  const rows = packages.filter(worth).map((p): Cell[] => {
    const difference = p.bytesAfter - p.bytesBefore
    return [
      [packageMarks[p.change]],
      p.name,
      versions(p),
      [{ text: sizeDifference(difference).padStart(10), format: difference > 0 ? 'red' : 'green' }]
    ]
  })
  const counts = countKinds(
    packageWords,
    packages.map(({ change }) => change)
  )
  const unlisted = packages.length - rows.length
  const note =
    unlisted > 0 ? [options.paint('dim', `  ${unlisted} rebuilt, of much the same size (--all)`)] : []
  return [...section('Packages', counts, rows, options), ...note]
}

/** The versions, and what differs of one that becomes another in colour. */
function versions({ before, after, change }: PackageChange): Segment[] {
  const text = (all: readonly string[]) => all.map((version) => version || '(no version)').join(', ')
  if (change === 'added') return [{ text: text(after), format: 'green' }]
  if (change === 'removed') return [{ text: text(before), format: 'red' }]
  if (change === 'rebuilt') return [{ text: text(after), format: 'dim' }]
  const [was, is] = [text(before), text(after)]
  const same = commonStart(was, is)
  return [
    { text: was.slice(0, same) },
    { text: was.slice(same), format: 'red' },
    { text: ' → ', format: 'dim' },
    { text: is.slice(0, same) },
    { text: is.slice(same), format: 'green' }
  ]
}

/** How much two texts have in common, up to the last separator. */
function commonStart(a: string, b: string): number {
  let at = 0
  for (let i = 0; i < Math.min(a.length, b.length) && a[i] === b[i]; i++)
    if (/[^a-zA-Z0-9]/.test(a[i] ?? '')) at = i + 1
  return at
}

const actionFormats: Readonly<Record<ServiceChange['action'], Format>> = {
  stop: 'red',
  restart: 'yellow',
  start: 'green',
  reload: 'cyan',
  keep: 'magenta',
  none: 'dim'
}

function servicesSection({ services }: Plan, options: HumanOptions): string[] {
  if (services.length === 0) return []
  const order = Object.keys(actionWords)
  const rows = services
    .filter(({ action }) => options.all || action !== 'none')
    .sort((a, b) => order.indexOf(a.action) - order.indexOf(b.action))
    .map(({ action, unit, reason }): Cell[] => [
      [{ text: action, format: actionFormats[action] }],
      unit,
      [{ text: reason, format: 'dim' }]
    ])
  const counts = countKinds(
    actionWords,
    services.map(({ action }) => action)
  )
  return section('Services', counts, rows, options, 14)
}

const marks: Readonly<Record<FileChange['change'], Segment>> = {
  added: { text: '+', format: 'green' },
  removed: { text: '−', format: 'red' },
  changed: { text: '~', format: 'yellow' }
}

function filesSection({ files, profile }: Plan, options: HumanOptions): string[] {
  if (files.length === 0) return []
  const kinds = countKinds(
    changeWords,
    files.map(({ change }) => change)
  )
  const counts = `${kinds} ${whereFiles({ profile })}`
  if (files.some(({ diff, note }) => diff !== null || note !== null)) {
    const heading = section('Files', counts, [], options)
    return [...heading, ...files.flatMap((file) => fileWithDiff(file, options))]
  }
  // What a unit file means is in the section above.
  const units = options.all ? [] : files.filter(({ path }) => /^(?:\.config\/)?systemd\//.test(path))
  const rows = files
    .filter((file) => !units.includes(file))
    .map(({ path, change }): Cell[] => [[marks[change]], path])
  const note =
    units.length > 0
      ? [options.paint('dim', `  ${counted(units.length, 'file')} of units, not listed (--all)`)]
      : []
  return [...section('Files', counts, rows, options), ...note]
}

function fileWithDiff({ path, change, diff, note }: FileChange, { paint, columns }: HumanOptions): string[] {
  const head = layRows([[[marks[change]], path, [{ text: note ?? '', format: 'dim' }]]], columns, paint)
  // The head of a diff says what the row above says.
  const lines = (diff ?? '')
    .split('\n')
    .slice(2)
    .filter((line) => line !== '')
  return [...head, ...lines.map((line) => `    ${diffLine(line, paint)}`)]
}

function diffLine(line: string, paint: Paint): string {
  const format = ({ '+': 'green', '-': 'red', '@': 'cyan' } as const)[line[0] ?? '']
  return format === undefined ? clean(line) : paint(format, clean(line))
}

function rebootSection(plan: Plan, options: HumanOptions): string[] {
  const { reboot } = plan
  if (reboot.causes.length === 0) return section('Reboot', 'not needed', [], options)
  const rows = reboot.causes.map(({ what, from, to }): Cell[] => [
    what,
    [
      { text: short(from), format: 'red' },
      { text: ' → ', format: 'dim' },
      { text: short(to), format: 'green' }
    ]
  ])
  const [word = ''] = rebootLine(plan).split(':')
  const meaning = reboot.required
    ? 'a switch would be refused, or change nothing'
    : 'a switch works, these parts wait'
  return section('Reboot', `${word}: ${meaning}`, rows, options)
}

const short = (value: string | null) => value?.replace(/\/nix\/store\/[^-]{32}-/g, '…') ?? 'none'

function secretsSection({ secrets }: Plan, options: HumanOptions): string[] {
  if (secrets.length === 0) return []
  const rows = secrets.map(({ name, change, what, units }): Cell[] => {
    const restarts = units.length > 0 ? `restarts or reloads ${units.join(', ')}` : ''
    return [
      [marks[change]],
      name,
      [{ text: [what.join(', '), restarts].filter(Boolean).join('; '), format: 'dim' }]
    ]
  })
  const counts = countKinds(
    changeWords,
    secrets.map(({ change }) => change)
  )
  return section('Secrets', counts, rows, options)
}

function namesSection(title: string, changes: readonly NameChange[] = [], options: HumanOptions): string[] {
  if (changes.length === 0) return []
  const rows = changes.map(({ name, change }): Cell[] => [[marks[change]], name])
  const counts = countKinds(
    changeWords,
    changes.map(({ change }) => change)
  )
  return section(title, counts, rows, options)
}

function drySection(dry: DryActivation | null, options: HumanOptions): string[] {
  if (dry === null) return []
  const lists = ['stop', 'restart', 'start', 'reload', 'keep'] as const
  const rows = lists.flatMap((action) =>
    dry[action].map((unit): Cell[] => [[{ text: action, format: actionFormats[action] }], unit])
  )
  const said = dry.other.map((line): Cell[] => [[{ text: 'said', format: 'dim' }], line])
  return section('Dry run', 'what the generation itself says it would do', [...rows, ...said], options)
}

function notCoveredSection({ notCovered }: Plan, { paint, columns }: HumanOptions): string[] {
  if (notCovered.length === 0) return []
  const lines = notCovered.flatMap(({ text }) =>
    wrap(text, Math.max(20, columns - 4)).map((line, i) => `  ${i === 0 ? '•' : ' '} ${line}`)
  )
  return [paint('bold', 'A rollback does not bring back'), ...lines]
}
