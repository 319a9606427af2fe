import { Type } from 'typebox'
import type { Finding, Thresholds } from './kind.ts'
import { defineKind, judge, pass, path, thresholds } from './kind.ts'

/** How full a file system is, in bytes or in inodes. */
export const diskKind = defineKind({
  options: {
    path: path('A path on the file system'),
    of: Type.Enum(['bytes', 'inodes'], { description: 'What is counted', default: 'bytes' }),
    minFree: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], {
      description: 'Fails also when fewer bytes, or inodes, than this are free',
      default: null
    }),
    ...thresholds('Used part, 0 to 1,', { warn: 0.85, fail: 0.95 })
  },
  gives: { measures: null, unit: 'ratio' },
  begin:
    ({ path, of, minFree, ...bounds }) =>
    async ({ root }) => {
      const { statfs } = await import('node:fs/promises')
      const { blocks, bavail, bfree, bsize, files, ffree } = await statfs(root + path)
      // As df has it: what only root may use counts as used up by nobody.
      const used = blocks - bfree
      return of === 'bytes'
        ? judgeSpace({ total: (used + bavail) * bsize, free: bavail * bsize, bounds, minFree, path })
        : judgeSpace({ total: files, free: ffree, bounds, minFree, path })
    }
})

/** The used part of a file system; one without a fixed number of inodes never runs out of them. */
export function judgeSpace(what: {
  readonly total: number
  readonly free: number
  readonly bounds: Thresholds
  readonly minFree: number | null
  readonly path: string
}): Finding {
  const { total, free, bounds, minFree, path } = what
  if (total === 0) return pass(`${path}: nothing to run out of`)
  const used = 1 - free / total
  const text = `${path}: ${(used * 100).toFixed(1)} % used, ${amount(free)} free`
  if (minFree !== null && free < minFree) return { result: 'fail', value: used, message: text }
  return judge(used, bounds, text)
}

/** A count with a binary prefix. */
export function amount(count: number): string {
  const step = Math.min(Math.floor(Math.log2(Math.max(count, 1)) / 10), 4)
  return step === 0
    ? String(count)
    : `${(count / 1024 ** step).toFixed(1)} ${['', 'Ki', 'Mi', 'Gi', 'Ti'][step]}`
}
