import type { Finding, Thresholds } from './kind.ts'
import { defineKind, judge, thresholds, unknown } from './kind.ts'

/** The load of the last five minutes for each processor. */
export const loadKind = defineKind({
  options: thresholds('Load of five minutes for each processor', { warn: 2, fail: null }),
  gives: { measures: null, unit: 'load' },
  begin:
    (bounds) =>
    async ({ root }) => {
      const [{ readFile }, { availableParallelism }] = await Promise.all([
        import('node:fs/promises'),
        import('node:os')
      ])
      return judgeLoad(await readFile(`${root}/proc/loadavg`, 'utf8'), availableParallelism(), bounds)
    }
})

/** From the text of /proc/loadavg. */
export function judgeLoad(text: string, processors: number, bounds: Thresholds): Finding {
  const [, five] = /^\S+ (\d+\.\d+) /.exec(text) ?? []
  if (five === undefined) return unknown('/proc/loadavg tells no load')
  return judgeFive(Number(five), processors, bounds)
}

/** From the load of five minutes. */
export const judgeFive = (five: number, processors: number, bounds: Thresholds): Finding =>
  judge(five / processors, bounds, `load ${five.toFixed(2)} on ${processors} processors`)
