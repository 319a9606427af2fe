import type { Finding, Thresholds } from './kind.ts'
import { defineKind, judge, thresholds, unknown } from './kind.ts'

/** The part of the memory that is not to be had any more; see proc_meminfo(5). */
export const memoryKind = defineKind({
  options: thresholds('Used part, 0 to 1,', { warn: 0.9, fail: 0.97 }),
  gives: { measures: null, unit: 'ratio' },
  begin:
    (bounds) =>
    async ({ root }) => {
      const { readFile } = await import('node:fs/promises')
      return judgeMemory(await readFile(`${root}/proc/meminfo`, 'utf8'), bounds)
    }
})

/** From the text of /proc/meminfo. */
export function judgeMemory(text: string, bounds: Thresholds): Finding {
  const kib = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1])
  const [total, available] = [kib('MemTotal'), kib('MemAvailable')]
  if (!(total > 0) || !(available >= 0)) return unknown('/proc/meminfo tells no memory')
  const used = 1 - available / total
  return judge(
    used,
    bounds,
    `${(used * 100).toFixed(1)} % used, ${(available / 1024).toFixed(0)} MiB available`
  )
}
