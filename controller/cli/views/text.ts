import { styleText } from 'node:util'
import { clean } from '../../../shared/clean.ts'
import type { Paint as Colours } from '../../../shared/plan/layout.ts'
import { wrap } from '../../../shared/plan/layout.ts'

/** Colours, or none, and the width of the terminal; without one where it is none, and a line may be of any length. */
export type Paint = Colours & { readonly columns?: number }

/** Paints when colours are wanted. */
export function painter(color: boolean, columns?: number): Paint {
  const paint: Colours = (format, text) => (color ? styleText(format, text, { validateStream: false }) : text)
  return columns === undefined ? paint : Object.assign(paint, { columns })
}

/** The first line, cleaned. */
export function firstLine(text: string): string {
  return clean(text.split('\n')[0] ?? '')
}

/** Cut to so many characters, with an ellipsis where something is missing. */
export function cut(text: string, width: number): string {
  if (text.length <= width) return text
  return width < 1 ? '' : `${text.slice(0, width - 1)}…`
}

/** Hash and name of a store path, the hash short. */
export function shortPath(storePath: string): string {
  const name = storePath.slice('/nix/store/'.length)
  return `${name.slice(0, 7)}…${name.slice(32)}`
}

/** A length of time for people: 8s, 1m05s, 2h03m, 3d04h. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds))
  const two = (n: number) => String(n).padStart(2, '0')
  if (s < 60) return `${s}s`
  if (s < 3600) return `${Math.floor(s / 60)}m${two(s % 60)}s`
  if (s < 86_400) return `${Math.floor(s / 3600)}h${two(Math.floor((s % 3600) / 60))}m`
  return `${Math.floor(s / 86_400)}d${two(Math.floor((s % 86_400) / 3600))}h`
}

/** A cell of a table: text, and how it is painted. */
export interface Cell {
  readonly text: string
  readonly format?: Parameters<typeof styleText>[0]
}

/** Narrowest that the last column of a table is made, in characters. */
const LEAST = 24

/**
 * Rows in columns as wide as their widest cell, each cell cleaned; the first row is the heading. On a terminal that is
 * too narrow the last column has several lines; where too little would be left for it, the terminal breaks the lines.
 */
export function table(heading: readonly string[], rows: readonly (readonly Cell[])[], paint: Paint): string {
  const words = rows.map((row) => row.map(({ text, ...look }): Cell => ({ text: clean(text), ...look })))
  const all = [heading.map((text): Cell => ({ text, format: 'dim' })), ...words]
  const widths = heading.map((_, column) => Math.max(...all.map((row) => row[column]?.text.length ?? 0)))
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 0)
  const room = (paint.columns ?? Number.POSITIVE_INFINITY) - before
  const lines = all.flatMap((row) => {
    const last = row.at(-1)
    const [first = '', ...more] =
      last !== undefined && room >= LEAST ? wrap(last.text, room) : [last?.text ?? '']
    const cells = row.map(({ text, format }, column) => {
      const padded = column === row.length - 1 ? first : text.padEnd(widths[column] ?? 0)
      return format === undefined ? padded : paint(format, padded)
    })
    const below = more.map((text) => ' '.repeat(before) + (last?.format ? paint(last.format, text) : text))
    return [cells.join('  ').trimEnd(), ...below]
  })
  return `${lines.join('\n')}\n`
}
