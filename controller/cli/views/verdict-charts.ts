import { clean } from '../../../shared/clean.ts'
import type { CheckEvidence, Evidence, HourOfCheck } from '../../../shared/verdict/evidence.ts'
import { cut } from './text.ts'

/** Size of a chart in its own units; the page scales it. */
const WIDTH = 940
const HOUR = 3_600_000
/** Columns of the failures at most; below that a column is an hour. */
const COLUMNS = 84

/**
 * Colours by name: the page says what they are in light, in dark and on paper. A chart is drawn in stand-ins, since the
 * library computes with colours.
 */
const colours = {
  ink: '#010203',
  soft: '#010204',
  rule: '#010205',
  blue: '#010206',
  faint: '#010207',
  green: '#010208',
  amber: '#010209',
  red: '#01020a',
  none: '#01020b'
} as const

function named(svg: string): string {
  return Object.entries(colours).reduce(
    (text, [name, stand]) =>
      text.replaceAll(stand, `var(--${name})`).replaceAll(asRgb(stand), `var(--${name})`),
    svg
  )
}

const asRgb = (hex: string) =>
  `rgb(${[1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join(',')})`

async function draw(option: object, height: number): Promise<string> {
  const [{ init, use }, charts, components, { SVGRenderer }] = await Promise.all([
    import('echarts/core'),
    import('echarts/charts'),
    import('echarts/components'),
    import('echarts/renderers')
  ])
  const { GridComponent, MarkLineComponent, VisualMapComponent, LegendComponent } = components
  use([
    charts.LineChart,
    charts.HeatmapChart,
    GridComponent,
    MarkLineComponent,
    VisualMapComponent,
    LegendComponent,
    SVGRenderer
  ])
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  try {
    chart.setOption({ animation: false, ...option })
    return named(chart.renderToSVGString())
  } finally {
    chart.dispose()
  }
}

const axis = {
  axisLine: { lineStyle: { color: colours.rule } },
  axisTick: { lineStyle: { color: colours.rule } },
  axisLabel: { color: colours.soft },
  splitLine: { lineStyle: { color: colours.rule } }
}

/** Medians and 95th percentiles of a check, or means of a rate, before and since. */
export async function checkChart(check: CheckEvidence, startedAt: string): Promise<string> {
  const counts = check.measures === 'rate' || check.measures === 'count'
  const hours = [...check.baseline, ...check.soak]
  const line = (name: string, key: 'mean' | 'median' | 'p95', color: string, extra: object = {}) => ({
    name,
    type: 'line',
    showSymbol: false,
    lineStyle: { color, width: 1.3 },
    itemStyle: { color },
    data: withGaps(hours, key),
    ...extra
  })
  const start = {
    silent: true,
    symbol: 'none',
    label: { formatter: 'activation', color: colours.soft },
    lineStyle: { color: colours.ink, type: 'solid', width: 1 },
    data: [{ xAxis: Date.parse(startedAt) }]
  }
  const main = line(counts ? 'mean' : 'median', counts ? 'mean' : 'median', colours.blue, { markLine: start })
  const series = counts ? [main] : [line('p95', 'p95', colours.faint), main]
  return draw(
    {
      useUTC: true,
      legend: { right: 10, top: 0, itemHeight: 2, icon: 'rect', textStyle: { color: colours.soft } },
      grid: { left: 60, right: 20, top: 30, bottom: 30 },
      xAxis: { type: 'time', ...axis, splitLine: { show: false } },
      yAxis: { type: 'value', ...axis },
      series
    },
    200
  )
}

/** An hour without a value breaks the line. */
function withGaps(hours: readonly HourOfCheck[], key: 'mean' | 'median' | 'p95'): [number, number | null][] {
  return hours.flatMap((hour, index): [number, number | null][] => {
    const at = Date.parse(hour.hour)
    const next = hours[index + 1]
    const gap = next !== undefined && Date.parse(next.hour) - at > 1.5 * HOUR
    return gap
      ? [
          [at, hour[key]],
          [at + HOUR, null]
        ]
      : [[at, hour[key]]]
  })
}

/** All checks since the activation, in columns of some hours: how many samples failed, warned, or told nothing. */
export async function failureChart(evidence: Evidence): Promise<string> {
  const start = Date.parse(evidence.startedAt)
  const end = Date.parse(evidence.endedAt ?? evidence.asOf)
  const width = Math.max(1, Math.ceil((end - start) / HOUR / COLUMNS)) * HOUR
  const columns = Math.max(1, Math.ceil((end - start) / width))
  const data = evidence.checks.flatMap((check, y) =>
    Array.from({ length: columns }, (_, x) => [x, y, shade(check, start + x * width, width)])
  )
  const names = evidence.checks.map(({ name }) => cut(clean(name), 24))
  const days = Array.from({ length: columns }, (_, x) =>
    new Date(start + x * width).toISOString().slice(5, 10)
  )
  const firsts = days.map((day, x) => (day === days[x - 1] || x === 0 ? '' : day))
  const pieces = [
    { value: 0, color: colours.none, label: 'none' },
    { value: 1, color: colours.green, label: 'passed' },
    { value: 2, color: colours.amber, label: 'some failed' },
    { value: 3, color: colours.red, label: 'most failed' }
  ]
  return draw(
    {
      grid: { left: 170, right: 20, top: 30, bottom: 25 },
      visualMap: {
        type: 'piecewise',
        orient: 'horizontal',
        right: 10,
        top: 0,
        itemWidth: 12,
        itemHeight: 12,
        itemGap: 24,
        textStyle: { color: colours.soft },
        pieces
      },
      xAxis: {
        type: 'category',
        data: firsts,
        ...axis,
        axisTick: { show: false },
        axisLabel: { color: colours.soft, interval: 0 }
      },
      yAxis: { type: 'category', data: names, inverse: true, ...axis, axisTick: { show: false } },
      series: [{ type: 'heatmap', data, itemStyle: { borderWidth: 0 } }]
    },
    60 + 20 * evidence.checks.length
  )
}

function shade(check: CheckEvidence, from: number, width: number): number {
  const hours = check.soak.filter(
    ({ hour }) => Date.parse(hour) >= from - HOUR / 2 && Date.parse(hour) < from + width - HOUR / 2
  )
  const sum = (key: 'pass' | 'warn' | 'fail') => hours.reduce((total, hour) => total + hour[key], 0)
  const known = sum('pass') + sum('warn') + sum('fail')
  if (known === 0) return 0
  if (sum('fail') > known / 2) return 3
  return sum('fail') + sum('warn') > 0 ? 2 : 1
}
