import { stripVTControlCharacters } from 'node:util'

/** What a build has come to, by its log in Nix's `internal-json`. */
export interface BuildProgress {
  /** Derivations that are being built now, by name. */
  readonly building: readonly string[]
  readonly built: number
  readonly failed: number
  /** Store paths that were fetched, and are to be. */
  readonly fetched: number
  readonly toFetch: number
  /** The last lines of what builders and Nix said. */
  readonly lines: readonly string[]
  /** What Nix calls an error. */
  readonly errors: readonly string[]
}

/** Activity types of Nix: a build, all builds, one copy, all copies, one substitution. Source: logging.hh. */
const BUILD = 105
const BUILDS = 104
const COPY_PATHS = 103
/** Result types: a line of a build log, progress. */
const LOG_LINE = 101
const PROGRESS = 105
const LEVEL_ERROR = 0
/** Lines kept, and characters of each. */
const MAX_LINES = 30
const MAX_LINE = 2000
const MAX_ERRORS = 20

interface State {
  readonly activities: Map<number, { readonly type: number; readonly name: string }>
  readonly progress: Map<number, readonly number[]>
  readonly lines: string[]
  readonly errors: string[]
}

/** Reads a log line by line. Never throws: what is not understood is a line of text. */
export function nixLog() {
  const state: State = { activities: new Map(), progress: new Map(), lines: [], errors: [] }
  return {
    line: (text: string) => read(text, state),
    progress: (): BuildProgress => fold(state)
  }
}

function read(text: string, state: State): void {
  if (!text.startsWith('@nix ')) keep(state.lines, text, MAX_LINES)
  else take(parse(text.slice('@nix '.length)), state)
}

function parse(json: string): Record<string, unknown> {
  try {
    const event: unknown = JSON.parse(json)
    return typeof event === 'object' && event !== null ? (event as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function take(event: Record<string, unknown>, state: State): void {
  const id = Number(event.id)
  const fields = Array.isArray(event.fields) ? event.fields : []
  if (event.action === 'start')
    state.activities.set(id, { type: Number(event.type), name: nameOf(String(fields[0] ?? '')) })
  else if (event.action === 'stop') state.activities.delete(id)
  else if (event.action === 'msg' && typeof event.msg === 'string') {
    const error = event.level === LEVEL_ERROR
    keep(error ? state.errors : state.lines, event.msg, error ? MAX_ERRORS : MAX_LINES)
  } else if (event.action === 'result' && event.type === LOG_LINE) {
    const name = state.activities.get(id)?.name ?? ''
    keep(state.lines, `${name}> ${String(fields[0] ?? '')}`, MAX_LINES)
  } else if (event.action === 'result' && event.type === PROGRESS) {
    const type = state.activities.get(id)?.type
    if (type !== undefined) state.progress.set(type, fields.map(Number))
  }
}

function fold({ activities, progress, lines, errors }: State): BuildProgress {
  const [built = 0, , , failed = 0] = progress.get(BUILDS) ?? []
  const [fetched = 0, toFetch = 0] = progress.get(COPY_PATHS) ?? []
  const building = [...activities.values()].filter(({ type }) => type === BUILD).map(({ name }) => name)
  return { building, built, failed, fetched, toFetch, lines: [...lines], errors: [...errors] }
}

/** A derivation or a store path without hash and `.drv`. */
const nameOf = (path: string) => path.replace(/^\/nix\/store\/[0-9a-z]{32}-/, '').replace(/\.drv$/, '')

function keep(lines: string[], text: string, most: number): void {
  for (const line of stripVTControlCharacters(text).split('\n')) {
    lines.push(line.slice(0, MAX_LINE))
    if (lines.length > most) lines.shift()
  }
}

/** Progress in a line; nothing as long as nothing is built or fetched. */
export function progressLine({ building, built, fetched, toFetch }: BuildProgress): string {
  const more = building.length > 3 ? ` and ${building.length - 3} more` : ''
  const total = Math.max(fetched, toFetch)
  return [
    ...(building.length > 0 ? [`building ${building.slice(0, 3).join(', ')}${more}`] : []),
    ...(built > 0 ? [`${built} built`] : []),
    ...(total > 0 ? [`${fetched} of ${total} fetched`] : [])
  ].join(', ')
}
