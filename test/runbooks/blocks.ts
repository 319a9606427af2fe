import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** A block of a runbook that is run: on which machine, as which step, and with which exit code it is to end. */
export interface RunBlock {
  readonly is: 'run'
  readonly line: number
  readonly text: string
  readonly on: string
  readonly step: string | null
  readonly exits: number
}

/** A block that is a file on a machine. */
export interface FileBlock {
  readonly is: 'file'
  readonly line: number
  readonly text: string
  readonly on: string
  readonly name: string
}

/** A block that cannot be run in a test; the reader is told why. */
export interface UntriedBlock {
  readonly is: 'untried'
  readonly line: number
  readonly text: string
  readonly why: string
}

export type Block = RunBlock | FileBlock | UntriedBlock

const folder = resolve(import.meta.dirname, '../../docs/runbooks')

/** The runbooks by name, without the page that lists them. */
export function runbooks(): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.md') && name !== 'README.md')
    .map((name) => name.slice(0, -'.md'.length))
}

/** The text of a runbook. */
export const textOf = (name: string) => readFileSync(join(folder, `${name}.md`), 'utf8')

/** The blocks of a page in their order. Throws for one of which nothing says what becomes of it. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = []
  const lines = markdown.split('\n')
  for (let at = 0; at < lines.length; at++) {
    if (/^ {4}\S/.test(lines[at] ?? '')) throw new Error(`line ${at + 1}: a block has a fence and a marker`)
    const fence = /^(`{3,}|~{3,})/.exec(lines[at] ?? '')?.[1]
    if (fence === undefined) continue
    const end = lines.indexOf(fence, at + 1)
    if (end === -1) throw new Error(`line ${at + 1}: the block does not end`)
    blocks.push(blockOf(lines[at - 1] ?? '', lines.slice(at + 1, end).join('\n'), at + 1))
    at = end
  }
  return blocks
}

function blockOf(marker: string, text: string, line: number): Block {
  const untried = /^\*\*Not tried\*\*: (.+)$/.exec(marker)
  if (untried) return { is: 'untried', line, text, why: untried[1] ?? '' }
  const file = /^<!-- file: (\S+) (\S+) -->$/.exec(marker)
  if (file) return { is: 'file', line, text, on: file[1] ?? '', name: file[2] ?? '' }
  const run = /^<!-- run: ([a-z-]+)(?:, ([a-z-]+))??(?:, exits (\d+))? -->$/.exec(marker)
  if (run === null)
    throw new Error(`line ${line}: no marker says where the block is run, or why not: ${marker}`)
  return { is: 'run', line, text, on: run[1] ?? '', step: run[2] ?? null, exits: Number(run[3] ?? 0) }
}

/** Commands in running text that no block of the page has: nobody runs these. */
export function unrunCommands(markdown: string): string[] {
  const run = blocksOf(markdown)
    .map(({ text }) => text)
    .join('\n')
  const prose = markdown.replace(/^```[\s\S]*?^```$/gm, '')
  const programs =
    /^(belay|belay-agent|nix|nix-[a-z-]+|systemctl|journalctl|launchctl|ssh|sh|nixos-[a-z]+|darwin-[a-z]+) /
  return [...prose.matchAll(/`([^`\n]+)`/g)].flatMap(([, code = '']) =>
    programs.test(code) && !run.includes(code) ? [code] : []
  )
}
