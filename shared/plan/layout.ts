import type { styleText } from 'node:util'
import { clean } from '../clean.ts'

export type Format = Parameters<typeof styleText>[0]
/** Colours, or none. */
export type Paint = (format: Format, text: string) => string

/** A piece of text in one colour. */
export interface Segment {
  readonly text: string
  readonly format?: Format
}
/** A cell of a row: a text, or pieces of one. */
export type Cell = string | readonly Segment[]

const segmentsOf = (cell: Cell): readonly Segment[] => (typeof cell === 'string' ? [{ text: cell }] : cell)
const lengthOf = (text: string): number => [...text].length
const widthOf = (cell: Cell): number =>
  segmentsOf(cell).reduce((sum, { text }) => sum + lengthOf(clean(text)), 0)

/** A cell painted and made as wide as asked for: padded, or cut with an ellipsis. */
function fit(cell: Cell, width: number, paint: Paint): string {
  const whole = widthOf(cell)
  let left = whole > width ? width - 1 : width
  const parts: string[] = []
  for (const { text, format } of segmentsOf(cell)) {
    const shown = [...clean(text)].slice(0, Math.max(0, left)).join('')
    left -= lengthOf(shown)
    if (shown !== '') parts.push(format === undefined ? shown : paint(format, shown))
  }
  if (whole > width) parts.push('…')
  return parts.join('') + ' '.repeat(Math.max(0, width - whole))
}

/** Narrowest that a column is made. */
const LEAST = 8

/**
 * Rows in columns, as wide as their widest cell while all fit in `columns` characters; then the widest ones give way. The
 * last column is dropped where less than `least` characters would be left for it.
 */
export function layRows(
  rows: readonly (readonly Cell[])[],
  columns: number,
  paint: Paint,
  least = 0
): string[] {
  const count = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: count }, (_, i) =>
    Math.max(0, ...rows.map((row) => widthOf(row[i] ?? '')))
  )
  const room = () => columns - 2 - 2 * (widths.filter((width) => width > 0).length - 1)
  const wanted = () => widths.reduce((sum, width) => sum + width, 0)
  const last = widths[count - 1] ?? 0
  if (least > 0 && wanted() > room() && room() - (wanted() - last) < least) widths[count - 1] = 0
  while (wanted() > room()) {
    const widest = widths.indexOf(Math.max(...widths))
    const width = widths[widest] ?? 0
    if (width <= LEAST) break
    widths[widest] = Math.max(LEAST, width - Math.max(1, Math.min(wanted() - room(), Math.floor(width / 8))))
  }
  return rows.map((row) => {
    const cells = row.flatMap((cell, i) => ((widths[i] ?? 0) > 0 ? [fit(cell, widths[i] ?? 0, paint)] : []))
    return `  ${cells.join('  ')}`.trimEnd()
  })
}

/** Text in lines of at most so many characters, broken at spaces, or between the parts of a list only. */
export function wrap(text: string, columns: number, separator: ' ' | ', ' = ' '): string[] {
  const end = separator.trimEnd()
  const lines: string[] = []
  for (const part of clean(text).split(separator)) {
    const line = lines.at(-1)
    if (line === undefined) lines.push(part)
    else if (lengthOf(`${line}${separator}${part}`) + end.length <= columns)
      lines[lines.length - 1] = `${line}${separator}${part}`
    else lines.splice(-1, 1, `${line}${end}`, part)
  }
  return lines
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** A size for people, such as `1.2 MiB`. */
export function size(bytes: number): string {
  let [value, unit] = [Math.abs(bytes), 0]
  while (value >= 1023.95 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

/** A difference of sizes with its sign; nothing for none. */
export function sizeDifference(bytes: number): string {
  return bytes === 0 ? '' : `${bytes > 0 ? '+' : '−'}${size(bytes)}`
}

/** `1 file`, `2 files`. */
export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`
