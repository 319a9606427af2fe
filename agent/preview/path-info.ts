import { BelayError } from '../../shared/errors.ts'

/** What Nix's database tells of a store path. */
export interface PathInfo {
  /** Size of its archive (NAR), in bytes. */
  readonly narSize: number
  /** Store paths that it refers to; itself may be among them. */
  readonly references: readonly string[]
}

/**
 * Reads `nix path-info --json` in each shape there is: an array (up to 2.18, and Lix), an object by path (2.19), or one
 * below `info` by base name (2.33, format 2 and 3). A path that is not valid is left out, however that is written.
 * Source: platform facts §1.10.
 */
export function readPathInfo(json: string): ReadonlyMap<string, PathInfo> {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw unreadable(json, cause)
  }
  const found = new Map<string, PathInfo>()
  for (const [key, info] of entriesOf(value, json)) {
    const read = readOne(info)
    if (read !== null) found.set(key, read)
  }
  return found
}

/**
 * Reads `nix path-info --recursive --size`: a store path, white space, its size in a line. Null for anything else, and
 * for a closure without its root.
 */
export function readPathSizes(root: string, text: string): ReadonlyMap<string, number> | null {
  const sizes = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [, path, size] = /^(\/\S+)\s+(\d{1,15})$/.exec(line) ?? []
    if (path === undefined || size === undefined) return null
    sizes.set(path, Number(size))
  }
  return sizes.has(root) ? sizes : null
}

type Fields = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Names are joined with the store that the answer speaks of. */
function entriesOf(value: unknown, json: string): (readonly [string, unknown])[] {
  if (Array.isArray(value)) {
    return value.map((each) => {
      if (!isObject(each) || typeof each.path !== 'string') throw unreadable(json)
      return [each.path, each]
    })
  }
  if (!isObject(value)) throw unreadable(json)
  const table = 'info' in value && 'version' in value ? value.info : value
  if (!isObject(table)) throw unreadable(json)
  const store = typeof value.storeDir === 'string' ? value.storeDir : '/nix/store'
  const full = (name: string) => (name.startsWith('/') ? name : `${store}/${name}`)
  return Object.entries(table).map(([key, info]) => {
    if (!isObject(info) || !Array.isArray(info.references)) return [full(key), info]
    const references = info.references.map((each) => (typeof each === 'string' ? full(each) : each))
    return [full(key), { ...info, references }]
  })
}

function readOne(info: unknown): PathInfo | null {
  if (!isObject(info) || info.valid === false) return null
  const { narSize, references } = info
  if (!Number.isSafeInteger(narSize) || (narSize as number) < 0) return null
  const names = Array.isArray(references) ? references.filter((each) => typeof each === 'string') : []
  return { narSize: narSize as number, references: names }
}

/** Sizes of a root and all that it refers to, however far. */
export function closureOf(root: string, infos: ReadonlyMap<string, PathInfo>): ReadonlyMap<string, number> {
  const closure = new Map<string, number>()
  const open = [root]
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const info = infos.get(path)
    if (info === undefined) {
      const wanted = 'a valid store path; copy it here first'
      throw new BelayError('path-not-valid', `${path} is not valid in this store`, { found: path, wanted })
    }
    closure.set(path, info.narSize)
    for (const reference of info.references) if (!closure.has(reference)) open.push(reference)
  }
  return closure
}

function unreadable(json: string, cause?: unknown): BelayError {
  const text = 'nix path-info answered something that is not known'
  return new BelayError('command-failed', text, {
    cause,
    found: json.slice(0, 200),
    wanted: 'path-info --json'
  })
}
