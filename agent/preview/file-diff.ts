import { redact } from './redact.ts'

/** Bytes of a file of which a diff is made, and characters of a diff that are shown. */
const MAX_FILE = 256 * 1024
const MAX_DIFF = 64 * 1024
/** Milliseconds for one diff: nothing else is done meanwhile. */
const MAX_MS = 100

/** The parts of {@link FileChange} that this makes. */
export interface Shown {
  readonly diff: string | null
  readonly note: string | null
}

/** A file's bytes, or a link's target that is not to be followed; null where there is no file. */
export type Content = Buffer | { readonly link: string } | null

/** The unified diff of a file, bounded, without secrets. What is binary is only named. */
export async function fileDiff(
  path: string,
  before: Content,
  after: Content,
  maxMs = MAX_MS
): Promise<Shown> {
  const [was, is] = [textOf(before), textOf(after)]
  const note = was.note ?? is.note
  if (note !== null) return { diff: null, note }
  const { createTwoFilesPatch, FILE_HEADERS_ONLY } = await import('diff')
  const [old, now] = [redact(was.text), redact(is.text)]
  if (old === now) return { diff: null, note: 'it differs in what is not shown: secrets' }
  const name = (there: boolean) => (there ? `etc/${path}` : '/dev/null')
  const diff = createTwoFilesPatch(
    name(before !== null),
    name(after !== null),
    old,
    now,
    undefined,
    undefined,
    {
      context: 3,
      timeout: maxMs,
      headerOptions: FILE_HEADERS_ONLY
    }
  )
  // The library gives up on what takes too long.
  if (diff === undefined) return { diff: null, note: 'too different for a diff' }
  if (diff.length <= MAX_DIFF) return { diff, note: null }
  const cut = diff.slice(0, diff.lastIndexOf('\n', MAX_DIFF) + 1)
  return { diff: cut, note: `only the first ${MAX_DIFF / 1024} KiB of the diff` }
}

function textOf(content: Content): { readonly text: string; readonly note: string | null } {
  if (content === null) return { text: '', note: null }
  if (!Buffer.isBuffer(content)) return { text: `link to ${content.link}\n`, note: null }
  if (content.length > MAX_FILE) return { text: '', note: `larger than ${MAX_FILE / 1024} KiB` }
  try {
    if (content.includes(0)) return { text: '', note: 'binary' }
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(content), note: null }
  } catch {
    return { text: '', note: 'binary' }
  }
}
