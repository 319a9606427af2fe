/** One line of the report: Belay's figure, and that of what stands beside it. */
export interface Row {
  readonly name: string
  readonly unit: 'MiB' | 'ms' | '%' | '/s' | ''
  /** Null where there is none. */
  readonly belay: number | null
  readonly beside: number | null
  /** Most that Belay's figure should be, or several aims of which one is enough. */
  readonly aim?: { readonly text: string; readonly met: boolean }
}

/** Rows that are compared with the same thing. */
export interface Section {
  readonly title: string
  readonly beside: string
  readonly rows: readonly Row[]
}

export function median(values: readonly number[]): number {
  return percentile(values, 50)
}

/** The least value that so many per cent of the values do not exceed; between the two middle ones for the median. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const last = sorted.length - 1
  if (last < 0) throw new Error('no values')
  const at = percent === 50 ? last / 2 : Math.ceil((percent / 100) * sorted.length) - 1
  return ((sorted[Math.floor(at)] ?? 0) + (sorted[Math.ceil(at)] ?? 0)) / 2
}

/** An aim that the figure stays at or below a limit. */
export function atMost(value: number, limit: number, unit: Row['unit']): NonNullable<Row['aim']> {
  return { text: `≤ ${limit} ${unit}`, met: value <= limit }
}

/** The aims of all rows: how many there are, and how many are missed. */
export function aimsOf(sections: readonly Section[]): { readonly aims: number; readonly missed: number } {
  const aims = sections.flatMap(({ rows }) => rows.flatMap(({ aim }) => (aim ? [aim] : [])))
  return { aims: aims.length, missed: aims.filter(({ met }) => !met).length }
}

/** All sections as a table for people. */
export function table(sections: readonly Section[]): string {
  return sections.map(section).join('\n\n')
}

function section({ title, beside, rows }: Section): string {
  const lines = [line(title, 'Belay', beside, 'ratio', 'aim'), ...rows.map(row)]
  return lines.map((text) => text.trimEnd()).join('\n')
}

function row({ name, unit, belay, beside, aim }: Row): string {
  const ratio = belay !== null && beside ? number(belay / beside) : ''
  const verdict = aim ? `${aim.text}: ${aim.met ? 'met' : 'MISSED'}` : ''
  return line(`  ${name}`, figure(belay, unit), figure(beside, unit), ratio, verdict)
}

const line = (name: string, belay: string, beside: string, ratio: string, aim: string) =>
  `${name.padEnd(44)}${belay.padStart(12)}${beside.padStart(15)}${ratio.padStart(8)}   ${aim}`

const figure = (value: number | null, unit: Row['unit']) =>
  value === null ? '–' : `${number(value)}${unit === '' ? '' : ` ${unit}`}`

/** Three digits or so: more would claim more than a shared machine can tell. */
function number(value: number): string {
  const size = Math.abs(value)
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3)
}
