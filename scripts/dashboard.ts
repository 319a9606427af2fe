import { writeFileSync } from 'node:fs'

/** The committed dashboard for Grafana. */
export const dashboardFile = new URL('../docs/monitoring/dashboard.json', import.meta.url)

interface Query {
  readonly expr: string
  readonly legend: string
}

/** Panels, two in a row: title, kind, unit of Grafana, and queries. */
const panels: readonly [string, 'timeseries' | 'state-timeline', string, readonly Query[]][] = [
  ['Agent answers', 'state-timeline', 'bool_on_off', [{ expr: 'up{job="belay"}', legend: '{{instance}}' }]],
  ['Day of the soak', 'timeseries', 'd', [{ expr: 'belay:soak:days', legend: '{{instance}}' }]],
  [
    'Available while on',
    'timeseries',
    'percentunit',
    [{ expr: 'belay:soak_availability:ratio', legend: '{{instance}}' }]
  ],
  [
    'Samples received',
    'timeseries',
    'percentunit',
    [{ expr: 'belay_agent_soak_coverage_ratio', legend: '{{instance}}' }]
  ],
  [
    'Failing checks',
    'state-timeline',
    'short',
    [{ expr: 'belay_agent_check_failing', legend: '{{instance}} {{check}}' }]
  ],
  [
    'What checks measure',
    'timeseries',
    'short',
    [{ expr: 'belay_agent_check_value', legend: '{{instance}} {{check}} {{unit}}' }]
  ],
  [
    'Operations ended',
    'timeseries',
    'short',
    [
      {
        expr: 'sum by (instance, result) (increase(belay_agent_operations_total[1d])) > 0',
        legend: '{{instance}} {{result}}'
      }
    ]
  ],
  [
    'Open incidents',
    'timeseries',
    'short',
    [
      {
        expr: 'belay_agent_incidents_open > 0',
        legend: '{{instance}} {{severity}}, workaround {{workaround}}'
      }
    ]
  ],
  ['Drift', 'state-timeline', 'bool_on_off', [{ expr: 'belay_agent_drift', legend: '{{instance}}' }]],
  [
    'Unexpected reboots in this soak',
    'timeseries',
    'short',
    [{ expr: 'belay_agent_reboots_total{expected="false"}', legend: '{{instance}}' }]
  ]
]

/** The dashboard as Grafana imports it. */
export function dashboardText(): string {
  const datasource = { type: 'prometheus', uid: '$' + '{datasource}' }
  const dashboard = {
    uid: 'belay',
    title: 'Belay',
    schemaVersion: 39,
    tags: ['belay'],
    timezone: 'utc',
    refresh: '1m',
    time: { from: 'now-14d', to: 'now' },
    templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus' }] },
    panels: panels.map(([title, type, unit, queries], index) => ({
      id: index + 1,
      title,
      type,
      datasource,
      gridPos: { x: (index % 2) * 12, y: Math.floor(index / 2) * 8, w: 12, h: 8 },
      fieldConfig: { defaults: { unit }, overrides: [] },
      targets: queries.map(({ expr, legend }, i) => ({
        refId: String.fromCharCode(65 + i),
        datasource,
        expr,
        legendFormat: legend
      }))
    }))
  }
  return `${JSON.stringify(dashboard, null, 2)}\n`
}

if (import.meta.main) writeFileSync(dashboardFile, dashboardText())
