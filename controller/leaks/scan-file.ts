import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { formatOf, MAX_SOPS_BYTES, readSops, sopsFormats } from '../../shared/secrets/sops.ts'
import type { LeakKind } from './kinds.ts'
import { BEFORE, judgeRun, mayHold } from './rules.ts'
import { findRuns } from './runs.ts'

/** Where something lies in a file. */
export interface Found {
  readonly kind: LeakKind
  /** Bytes from the beginning of the file. */
  readonly offset: number
}

/** Findings of one kind in one file that are kept: one is enough to keep it back, unless that kind is allowed there. */
const MAX_FOUND = 20
/** A longer row is a blob; its beginning is looked at. */
const MAX_RUN = 8192

/** A buffer for {@link scanFile}; one for all files of a scan. */
export const scanBuffer = () => Buffer.allocUnsafe(4 * 1024 * 1024)

/** Looks through one file, whatever its size, with one buffer. Values never leave it. */
export async function scanFile(path: string, buffer: Buffer): Promise<readonly Found[]> {
  const found: Found[] = []
  let sops = -1
  const fd = openSync(path, 'r')
  try {
    let kept = 0
    let base = 0
    let done = 0
    for (;;) {
      const read = readSync(fd, buffer, kept, buffer.length - kept, null)
      const ended = read === 0
      const end = kept + read
      // What is behind the last byte ends the last row.
      if (ended) {
        if (kept === 0 || end >= buffer.length) break
        buffer[end] = 0
      }
      const view = buffer.subarray(0, ended ? end + 1 : end)
      const rest = findRuns(view, done, (start, stop) => {
        const hit = look(buffer, start, stop)
        if (hit?.kind === 'sops') sops = sops < 0 ? base + start : sops
        else if (hit && found.filter(({ kind }) => kind === hit.kind).length < MAX_FOUND)
          found.push({ kind: hit.kind, offset: base + start + hit.offset })
      })
      if (ended) break
      // A row as long as the buffer is no secret.
      const from = Math.max(0, rest - BEFORE)
      const keep = end - from > buffer.length / 2 ? end : from
      done = Math.max(0, rest - keep)
      buffer.copyWithin(0, keep, end)
      base += keep
      kept = end - keep
    }
  } finally {
    closeSync(fd)
  }
  if (sops >= 0 && (await hasPlainValues(path))) found.push({ kind: 'unencrypted-sops', offset: sops })
  return found
}

function look(buffer: Buffer, start: number, stop: number) {
  const end = Math.min(stop, start + MAX_RUN)
  if (!mayHold(buffer, start, end)) return null
  const before = buffer.toString('latin1', Math.max(0, start - BEFORE), start)
  return judgeRun({ text: buffer.toString('latin1', start, end), before })
}

async function hasPlainValues(path: string): Promise<boolean> {
  const text = readFileSync(path, 'utf8')
  if (text.length > MAX_SOPS_BYTES) return false
  for (const format of new Set([formatOf(path), ...sopsFormats])) {
    const file = await readSops(text, format)
    if (file !== null) return file.plain.length > 0
  }
  return false
}
