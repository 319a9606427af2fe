/** Formats in which sops writes. */
export const sopsFormats = ['yaml', 'json', 'binary', 'dotenv', 'ini'] as const
export type SopsFormat = (typeof sopsFormats)[number]

/** What a file says of itself; nothing of its contents. */
export interface SopsFile {
  /** Age recipients by key group; one group but where a threshold is used. */
  readonly groups: readonly (readonly string[])[]
  /** So many groups are needed. */
  readonly threshold: number
  /** Other ways to its key, such as pgp or kms. */
  readonly others: readonly string[]
  /** Whether it has the sum that tells whether somebody has changed it. */
  readonly mac: boolean
  /** Keys of values that are not encrypted and should be. */
  readonly plain: readonly string[]
}

/** A tree of values, as it was parsed. */
export type Tree = Readonly<Record<string, unknown>>

/** Larger ones are read by nobody. */
export const MAX_SOPS_BYTES = 4 * 1024 * 1024

/** Names in `plain` that are kept. */
const MAX_PLAIN = 20
/** How deep the values of a file may lie. */
const MAX_DEPTH = 64

/** Reads a file of sops; null for what is none, or is broken. Never throws. */
export async function readSops(text: string, format: SopsFormat): Promise<SopsFile | null> {
  if (text.length > MAX_SOPS_BYTES) return null
  const tree = parsed(text.replace(/^\ufeff/, ''), await parserOf(format))
  if (tree === null || !isTree(tree.sops)) return null
  const { sops, ...rest } = tree
  return describe(sops as Tree, rest)
}

/** The format that a name tells, as sops itself guesses it. */
export function formatOf(name: string): SopsFormat {
  if (/\.ya?ml$/.test(name)) return 'yaml'
  if (name.endsWith('.json')) return 'json'
  if (/\.env$|(^|\/)\.env$/.test(name)) return 'dotenv'
  return name.endsWith('.ini') ? 'ini' : 'binary'
}

/** Whether one who has these recipients can decrypt it; null where only another kind of key could tell. */
export function opens(file: SopsFile, own: readonly string[]): boolean | null {
  const open = file.groups.filter((group) => group.some((recipient) => own.includes(recipient))).length
  if (open >= file.threshold) return true
  return file.others.length > 0 ? null : false
}

/** Every age recipient of it, once. */
export const recipientsOf = (file: SopsFile): readonly string[] => [...new Set(file.groups.flat())]

type Parser = (text: string) => unknown

/** YAML is loaded only where it is read. Bundled, all of it is in `default`. */
async function parserOf(format: SopsFormat): Promise<Parser> {
  if (format === 'json' || format === 'binary') return (text) => JSON.parse(text)
  if (format === 'dotenv') return (text) => fromPairs(pairsOf(text), /^sops_/)
  if (format === 'ini') return fromIni
  const { default: yaml } = await import('yaml')
  return (text) => yaml.parse(text, { maxAliasCount: 50, logLevel: 'silent' })
}

function parsed(text: string, parser: Parser): Tree | null {
  try {
    const tree = parser(text)
    return isTree(tree) ? tree : null
  } catch {
    return null
  }
}

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function describe(sops: Tree, values: Tree): SopsFile {
  const groups = Array.isArray(sops.key_groups) ? sops.key_groups.filter(isTree) : []
  const sources = groups.length > 0 ? groups : [sops]
  const kinds = ['pgp', 'kms', 'gcp_kms', 'azure_kv', 'hc_vault', 'hckms']
  const others = kinds.filter((kind) => sources.some((group) => items(group[kind]).length > 0))
  const asked = Number(sops.shamir_threshold)
  const threshold = groups.length > 1 && asked > 0 ? asked : sources.length
  return {
    groups: sources.map((group) =>
      items(group.age)
        .map(({ recipient }) => recipient)
        .filter((recipient) => typeof recipient === 'string')
    ),
    threshold,
    others,
    mac: typeof sops.mac === 'string' && isEncrypted(sops.mac),
    plain: plainLeaves(values, ruleOf(sops))
  }
}

const items = (value: unknown): Tree[] => (Array.isArray(value) ? value.filter(isTree) : [])
const isEncrypted = (value: unknown) => typeof value === 'string' && /^ENC\[AES256_GCM,data:/.test(value)

/** Whether the values below a path of keys are to be encrypted. */
type Rule = (path: readonly string[]) => boolean

function ruleOf(sops: Tree): Rule {
  const text = (key: string) => {
    const value = sops[key]
    return typeof value === 'string' && value !== '' ? value : null
  }
  const some =
    (match: (key: string) => boolean): Rule =>
    (path) =>
      path.some(match)
  const not =
    (rule: Rule): Rule =>
    (path) =>
      !rule(path)
  const pattern = (source: string): Rule => {
    // The patterns of Go are not all ours: where one cannot be read nothing is called plain.
    try {
      const regex = new RegExp(source)
      return some((key) => regex.test(key.slice(0, 256)))
    } catch {
      return () => false
    }
  }
  const [suffix, own, regex, plain] = [
    ...['unencrypted_suffix', 'encrypted_suffix', 'encrypted_regex', 'unencrypted_regex'].map(text)
  ]
  // Rules that go by comments: what they are about is not in the tree, so nothing is called plain.
  if (text('encrypted_comment_regex') || text('unencrypted_comment_regex')) return () => false
  if (own) return some((key) => key.endsWith(own))
  if (regex) return pattern(regex)
  if (plain) return not(pattern(plain))
  return not(some((key) => key.endsWith(suffix ?? '_unencrypted')))
}

/** Sops leaves nothing, and empty text, as they are. */
function plainLeaves(values: Tree, rule: Rule): string[] {
  const found: string[] = []
  const walk = (value: unknown, path: readonly string[]) => {
    if (found.length >= MAX_PLAIN || path.length > MAX_DEPTH) return
    if (Array.isArray(value)) for (const each of value) walk(each, path)
    else if (isTree(value)) for (const [key, each] of Object.entries(value)) walk(each, [...path, key])
    else if (value !== null && value !== '' && !isEncrypted(value) && rule(path)) found.push(path.join('.'))
  }
  walk(values, [])
  return [...new Set(found)]
}

type Pair = readonly [string, string]

function pairsOf(text: string): Pair[] {
  return text.split(/\r?\n/).flatMap((line): Pair[] => {
    const at = line.indexOf('=')
    if (at < 1 || /^\s*[#;]/.test(line)) return []
    return [[line.slice(0, at).trim(), line.slice(at + 1).trim()]]
  })
}

function fromPairs(pairs: readonly Pair[], ours: RegExp): Tree {
  const flat = pairs.flatMap(([key, value]): Pair[] =>
    ours.test(key) ? [[key.replace(ours, ''), value]] : []
  )
  const values = Object.fromEntries(pairs.filter(([key]) => !ours.test(key)))
  return flat.length === 0 ? values : { ...values, sops: unflatten(flat) }
}

function fromIni(text: string): Tree {
  const sections: Record<string, Tree> = {}
  for (const part of text.split(/^(?=\s*\[[^\]\n]*\]\s*$)/m)) {
    const name = /^\s*\[([^\]\n]*)\]/.exec(part)?.[1] ?? 'DEFAULT'
    const pairs = pairsOf(part)
    sections[name] = name === 'sops' ? unflatten(pairs) : Object.fromEntries(pairs)
  }
  return sections
}

/** Formats without trees write `age__list_0__map_recipient`. */
function unflatten(pairs: readonly Pair[]): Tree {
  const root: Record<string, unknown> = {}
  for (const [key, value] of pairs) {
    const steps = key.split('__').map((step) => step.replace(/^(?:list|map)_/, ''))
    if (steps.length > 8 || steps.some((step) => step === '__proto__' || step === '')) continue
    let at: Record<string, unknown> = root
    for (const step of steps.slice(0, -1)) {
      if (!isTree(at[step])) at[step] = {}
      at = at[step] as Record<string, unknown>
    }
    at[steps.at(-1) ?? ''] = value
  }
  return Object.fromEntries(Object.entries(root).map(([key, value]) => [key, listsIn(value)]))
}

/** What has numbers for keys was a list. */
function listsIn(value: unknown): unknown {
  if (!isTree(value)) return value
  const entries = Object.entries(value).map(([key, each]) => [key, listsIn(each)] as const)
  const isList = entries.length > 0 && entries.every(([key]) => /^\d{1,4}$/.test(key))
  return isList ? entries.map(([, each]) => each) : Object.fromEntries(entries)
}
