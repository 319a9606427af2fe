import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Document, Node } from 'yaml'
import { isMap, isPair, isScalar, LineCounter, parseDocument } from 'yaml'
import { BelayError } from '../../shared/errors.ts'
import type { Fleet } from './fleet.ts'
import { resolveFleet } from './fleet.ts'
import { meaningProblems } from './meaning.ts'
import type { FileProblem } from './problems.ts'
import { problemsOf } from './problems.ts'
import type { FleetFile as FleetContent } from './schema.ts'
import { FleetFile } from './schema.ts'

/** Bytes of a fleet file that are read; 10 000 hosts need about 2 MB. */
const MAX_BYTES = 8 * 1024 * 1024

/** Reads and validates the fleet file. Throws `invalid-fleet-file`. */
export async function readFleetFile(path: string): Promise<ReadFleetFile> {
  const file = resolve(path)
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'ENOENT' ? 'there is no such file' : cause.message
    const hint = 'name the fleet file with --fleet or BELAY_FLEET'
    throw new BelayError('invalid-fleet-file', `${file}: ${why}; ${hint}`, { cause, at: file, found: path })
  })
  return parseFleetFile(text, file)
}

/** Reads the hosts that the fleet file names by itself. Throws `invalid-fleet-file`. */
export async function loadFleet(path: string): Promise<Fleet> {
  const { content, file } = await readFleetFile(path)
  return resolveFleet(content, file)
}

/** A valid fleet file and its absolute path. */
export interface ReadFleetFile {
  readonly content: FleetContent
  readonly file: string
}

/** Validates the text of a fleet file; `file` is its absolute path. */
export function parseFleetFile(text: string, file: string): ReadFleetFile {
  if (Buffer.byteLength(text) > MAX_BYTES) {
    throw new BelayError('invalid-fleet-file', `${file} is larger than ${MAX_BYTES} bytes`, { at: file })
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [syntax] = document.errors
  if (syntax !== undefined) {
    const { line } = lines.linePos(syntax.pos[0])
    const key = /^\s*("[^"]*"|[^:]*):/.exec(text.slice(syntax.pos[0]))?.[1] ?? ''
    const duplicate = syntax.code === 'DUPLICATE_KEY'
    const message = duplicate ? `${key} stands here for the second time` : syntax.message
    const detail = duplicate ? { found: key, wanted: 'each name once' } : { wanted: 'YAML' }
    throw new BelayError('invalid-fleet-file', `${file}:${line}: ${message}`, {
      ...detail,
      at: `${file}:${line}`
    })
  }
  const content: unknown = toPlain(document, file)
  const problems = problemsOf(FleetFile, content)
  if (problems.length > 0) throw fleetError(problems, document, lines, file)
  const meaning = meaningProblems(content as FleetContent)
  if (meaning.length > 0) throw fleetError(meaning, document, lines, file)
  return { content: content as FleetContent, file }
}

/** The hosts that the text of a fleet file names by itself; `file` is its absolute path. */
export function parseFleet(text: string, file: string): Fleet {
  return resolveFleet(parseFleetFile(text, file).content, file)
}

/** Aliases are expanded with a limit, so that a few lines cannot become gigabytes. */
function toPlain(document: Document.Parsed, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (cause) {
    throw new BelayError('invalid-fleet-file', `${file}: ${(cause as Error).message}`, { cause, at: file })
  }
}

function fleetError(problems: FileProblem[], document: Document.Parsed, lines: LineCounter, file: string) {
  const placed = problems.map((problem) => ({ ...problem, line: lineOf(document, problem.path, lines) }))
  placed.sort((a, b) => a.line - b.line)
  const text = placed.slice(0, 10).map(({ line, path, message }) => {
    return `${file}:${line}: ${path.length === 0 ? 'the file' : path.join('.')}: ${message}`
  })
  if (placed.length > 10) text.push(`and ${placed.length - 10} more`)
  const first = placed[0]
  return new BelayError('invalid-fleet-file', text.join('\n'), {
    found: first?.found,
    wanted: first?.wanted,
    at: `${file}:${first?.line}`
  })
}

/** Line of the deepest key on the path that stands in the file. */
function lineOf(document: Document.Parsed, path: readonly string[], lines: LineCounter): number {
  let node: unknown = document.contents
  let offset = document.contents?.range?.[0] ?? 0
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === part)
      if (!isPair(pair)) break
      offset = (pair.key as Node).range?.[0] ?? offset
      node = pair.value
    } else {
      const item: unknown = (node as { items?: unknown[] } | null)?.items?.[Number(part)]
      if (item === undefined) break
      offset = (item as Node).range?.[0] ?? offset
      node = item
    }
  }
  return lines.linePos(offset).line
}
