import type { Static } from 'typebox'
import { Type } from 'typebox'
import { closed, Duration, secondsOf } from '../inventory/words.ts'
import type { Access } from './access-schema.ts'
import { accessFields, accessOf, baseOf } from './access-schema.ts'

const labelName = '^[a-zA-Z_][a-zA-Z0-9_]{0,100}$'

const Prometheus = Type.Object(
  {
    url: Type.String({
      description: 'Base URL of a Prometheus, VictoriaMetrics, Thanos or Mimir, to which /api/v1 is added',
      pattern: '^https?://[^\\s?#]+$',
      maxLength: 2000
    }),
    ...accessFields,
    label: Type.Optional(
      Type.String({ description: 'Label that tells the hosts apart. Default instance', pattern: labelName })
    ),
    value: Type.Optional(
      Type.String({
        description: 'What the label says for a host, with {host} for its name. Default {host}',
        pattern: '^[^\\u0000-\\u001f{}]*\\{host\\}[^\\u0000-\\u001f{}]*$',
        maxLength: 200
      })
    ),
    labels: Type.Optional(
      Type.Record(
        Type.String({ pattern: labelName }),
        Type.String({ description: 'What the label says', pattern: '^[^\\u0000-\\u001f]*$', maxLength: 200 }),
        { ...closed, description: 'Further labels that its series have, such as job', maxProperties: 20 }
      )
    ),
    interval: Type.Optional(Duration('How often the agents are scraped. Default 60s'))
  },
  { ...closed, description: 'Where the metrics of the agents are' }
)

/** What watches the fleet: the `monitoring` section of the fleet file. */
export const Monitoring = Type.Object(
  { prometheus: Type.Optional(Prometheus) },
  { ...closed, description: 'What watches the fleet' }
)
export type Monitoring = Static<typeof Monitoring>

/** Where the metrics of one host are, every default filled in. */
export interface HostMetrics {
  readonly url: string
  readonly access: Access
  /** Labels that all its series have. */
  readonly labels: Readonly<Record<string, string>>
  readonly intervalSeconds: number
}

/** Where the metrics of a host are; null where nothing watches it. `directory` is that of the fleet file. */
export function metricsOf({ prometheus }: Monitoring, host: string, directory: string): HostMetrics | null {
  if (prometheus === undefined) return null
  const { url, label = 'instance', value = '{host}', labels = {}, interval = '60s' } = prometheus
  return {
    url: baseOf(url),
    access: accessOf(prometheus, directory),
    labels: { ...labels, [label]: value.replace('{host}', () => host) },
    intervalSeconds: Math.max(1, secondsOf(interval))
  }
}
