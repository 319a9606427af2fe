import { styleText } from 'node:util'
import { clean } from '../../../shared/clean.ts'

/** Colours, or none. */
export type Paint = (format: Parameters<typeof styleText>[0], text: string) => string

/** Paints when colours are wanted. */
export function painter(color: boolean): Paint {
  return (format, text) => (color ? styleText(format, text, { validateStream: false }) : text)
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

/** Rows in columns as wide as their widest cell, each cell cleaned; the first row is the heading. */
export function table(heading: readonly string[], rows: readonly (readonly Cell[])[], paint: Paint): string {
  const words = rows.map((row) => row.map(({ text, ...look }): Cell => ({ text: clean(text), ...look })))
  const all = [heading.map((text): Cell => ({ text, format: 'dim' })), ...words]
  const widths = heading.map((_, column) => Math.max(...all.map((row) => row[column]?.text.length ?? 0)))
  const lines = all.map((row) =>
    row
      .map(({ text, format }, column) => {
        const padded = column === row.length - 1 ? text : text.padEnd(widths[column] ?? 0)
        return format === undefined ? padded : paint(format, padded)
      })
      .join('  ')
      .trimEnd()
  )
  return `${lines.join('\n')}\n`
}
