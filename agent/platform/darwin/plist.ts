import { BelayError } from '../../../shared/errors.ts'

/** A value of a property list. Data and dates stay the text that they are written as. */
export type PlistValue =
  | string
  | number
  | boolean
  | readonly PlistValue[]
  | { readonly [key: string]: PlistValue }

/** Folders in folders; launchd itself needs four. */
const MAX_DEPTH = 32
const LEAVES = ['string', 'integer', 'real', 'date', 'data'] as const

const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/** One piece of XML: a tag, or text between two. */
interface Token {
  readonly kind: 'open' | 'close' | 'empty' | 'text'
  readonly value: string
}

/**
 * Reads a property list in XML: its ten elements and nothing else of XML, so that no entity is expanded and no file is
 * fetched. Throws `invalid-plist`.
 */
export function parsePlist(text: string): PlistValue {
  const tokens = tokensOf(text)
  let at = 0
  const next = () => tokens[at++]
  const skipSpace = () => {
    for (let token = tokens[at]; token?.kind === 'text' && token.value.trim() === ''; token = tokens[at]) at++
  }
  const expect = (kind: Token['kind'], value: string) => {
    const token = next()
    if (token?.kind !== kind || token.value !== value) throw invalid(`${kind} ${value}`, token)
  }
  /** The text up to the end tag. */
  const textUntil = (tag: string) => {
    let content = ''
    for (let token = tokens[at]; token?.kind === 'text'; token = tokens[at]) {
      content += token.value
      at++
    }
    expect('close', tag)
    return content
  }
  const value = (depth: number): PlistValue => {
    if (depth > MAX_DEPTH) throw invalid(`at most ${MAX_DEPTH} levels`, tokens[at])
    skipSpace()
    const token = next()
    if (token?.kind === 'empty') return emptyValue(token)
    if (token?.kind !== 'open') throw invalid('an element', token)
    const tag = token.value
    if (tag === 'true' || tag === 'false') {
      if (textUntil(tag).trim() !== '') throw invalid(`nothing in ${tag}`, token)
      return tag === 'true'
    }
    if ((LEAVES as readonly string[]).includes(tag)) return leaf(tag, textUntil(tag))
    const items: PlistValue[] = []
    const entries: [string, PlistValue][] = []
    for (skipSpace(); tokens[at]?.kind !== 'close'; skipSpace()) {
      if (tag === 'array') items.push(value(depth + 1))
      else if (tag === 'dict') entries.push([keyOf(), value(depth + 1)])
      else throw invalid('an element of a property list', token)
    }
    expect('close', tag)
    if (tag !== 'array' && tag !== 'dict') throw invalid('an element of a property list', token)
    // Not assigned one by one: a key may be `__proto__`.
    return tag === 'array' ? items : Object.fromEntries(entries)
  }
  const keyOf = () => {
    const token = next()
    if (token?.kind === 'empty' && token.value === 'key') return ''
    if (token?.kind !== 'open' || token.value !== 'key') throw invalid('a key', token)
    return textUntil('key')
  }
  skipSpace()
  expect('open', 'plist')
  const result = value(0)
  skipSpace()
  expect('close', 'plist')
  skipSpace()
  if (at < tokens.length) throw invalid('the end', tokens[at])
  return result
}

function emptyValue(token: Token): PlistValue {
  switch (token.value) {
    case 'true':
      return true
    case 'false':
      return false
    case 'string':
    case 'data':
      return ''
    case 'array':
      return []
    case 'dict':
      return {}
    default:
      throw invalid('a value', token)
  }
}

function leaf(tag: string, text: string): PlistValue {
  if (tag !== 'integer' && tag !== 'real') return text
  const number = Number(text.trim())
  if (text.trim() === '' || !Number.isFinite(number)) throw invalid(`a number in ${tag}`, text)
  return number
}

/** Cuts the text into tags and what is between them; comments, the declaration and the document type go. */
function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  const upTo = (end: string) => {
    const found = text.indexOf(end, at)
    if (found === -1) throw invalid(end, text.slice(at, at + 40))
    const piece = text.slice(at, found)
    at = found + end.length
    return piece
  }
  if (text.startsWith('\uFEFF')) at = 1
  while (at < text.length) {
    if (!text.startsWith('<', at)) {
      const end = text.indexOf('<', at)
      tokens.push({ kind: 'text', value: decode(text.slice(at, end === -1 ? text.length : end)) })
      at = end === -1 ? text.length : end
    } else if (text.startsWith('<!--', at)) {
      at += 4
      upTo('-->')
    } else if (text.startsWith('<![CDATA[', at)) {
      at += 9
      tokens.push({ kind: 'text', value: upTo(']]>') })
    } else if (text.startsWith('<?', at)) upTo('?>')
    else if (text.startsWith('<!DOCTYPE', at)) {
      // One with declarations of its own could define entities.
      if (upTo('>').includes('[')) throw invalid('a document type without declarations', '[')
    } else {
      at += 1
      tokens.push(tagOf(upTo('>')))
    }
  }
  return tokens
}

function tagOf(inside: string): Token {
  const [, slash, name = '', rest = '', empty] = /^(\/?)([A-Za-z]+)((?:\s[^/]*)?)(\/?)$/s.exec(inside) ?? []
  if (name === '' || (slash !== '' && (empty !== '' || rest.trim() !== ''))) throw invalid('a tag', inside)
  // Of all elements only plist has an attribute, its version.
  if (rest.trim() !== '' && (name !== 'plist' || !/^\s+version="[\d.]*"\s*$/.test(rest)))
    throw invalid('no attribute', inside)
  return { kind: slash !== '' ? 'close' : empty !== '' ? 'empty' : 'open', value: name }
}

function decode(text: string): string {
  return text.replace(/&([^;&\s]*);?/g, (all, entity: string) => {
    const [, hex, decimal] = /^#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}))$/.exec(entity) ?? []
    const code = hex ? Number.parseInt(hex, 16) : decimal ? Number(decimal) : null
    if (code !== null && code <= 0x10ffff && all.endsWith(';')) return String.fromCodePoint(code)
    if (!Object.hasOwn(named, entity) || !all.endsWith(';')) throw invalid('a known entity', all)
    return named[entity] ?? ''
  })
}

function invalid(wanted: string, found: Token | string | undefined): BelayError {
  const shown = found === undefined ? 'the end' : typeof found === 'string' ? found : found.value
  return new BelayError('invalid-plist', `not a property list: found ${JSON.stringify(shown.slice(0, 80))}`, {
    found: shown.slice(0, 80),
    wanted
  })
}

/** Writes a property list in XML. */
export function writePlist(value: PlistValue): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
${write(value, '')}
</plist>
`
}

function write(value: PlistValue, indent: string): string {
  const below = `${indent}  `
  if (typeof value === 'string') return `${indent}<string>${escaped(value)}</string>`
  if (typeof value === 'boolean') return `${indent}<${value}/>`
  if (typeof value === 'number')
    return Number.isSafeInteger(value)
      ? `${indent}<integer>${value}</integer>`
      : `${indent}<real>${value}</real>`
  const items = Array.isArray(value)
    ? value.map((item) => write(item, below))
    : Object.entries(value).flatMap(([key, item]) => [
        `${below}<key>${escaped(key)}</key>`,
        write(item, below)
      ])
  const tag = Array.isArray(value) ? 'array' : 'dict'
  return items.length === 0
    ? `${indent}<${tag}/>`
    : `${indent}<${tag}>\n${items.join('\n')}\n${indent}</${tag}>`
}

/** XML knows no control characters but white space: what has one is refused rather than written wrongly. */
function escaped(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(text))
    throw invalid('no control character', text)
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('\r', '&#13;')
}
