import type { Finding, Thresholds } from './kind.ts'
import { defineKind, judge, thresholds, unknown } from './kind.ts'

/** Sensors read; more are on no host. */
const MAX_SENSORS = 200

/** The hottest sensor that the kernel shows in /sys/class/hwmon. */
export const temperatureKind = defineKind({
  options: thresholds('Degrees Celsius', { warn: 85, fail: 95 }),
  gives: { measures: null, unit: 'celsius' },
  begin:
    (bounds) =>
    async ({ root, signal }) =>
      judgeTemperatures(await readSensors(`${root}/sys/class/hwmon`, signal), bounds)
})

/** Millidegrees of every sensor that can be read. */
async function readSensors(directory: string, signal: AbortSignal): Promise<readonly number[]> {
  const { readdir, readFile } = await import('node:fs/promises')
  const found: number[] = []
  for (const chip of await readdir(directory).catch(() => [])) {
    const names = await readdir(`${directory}/${chip}`).catch(() => [])
    for (const name of names.filter((each) => /^temp\d+_input$/.test(each))) {
      signal.throwIfAborted()
      if (found.length === MAX_SENSORS) return found
      const text = await readFile(`${directory}/${chip}/${name}`, 'utf8').catch(() => '')
      if (/^-?\d+\n?$/.test(text)) found.push(Number(text))
    }
  }
  return found
}

/** The hottest; without any it cannot tell. */
export function judgeTemperatures(millidegrees: readonly number[], bounds: Thresholds): Finding {
  if (millidegrees.length === 0) return unknown('no sensor is to be had here')
  const hottest = Math.max(...millidegrees) / 1000
  return judge(hottest, bounds, `${hottest.toFixed(1)} °C at the hottest of ${millidegrees.length} sensors`)
}
