import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { BelayError } from '../../shared/errors.ts'
import { VERSION } from '../../shared/version.ts'
import { targetsOf } from './discovery.ts'
import type { ControllerMetrics } from './metrics.ts'
import type { ControllerParts } from './parts.ts'

/** What the probes need besides. */
export interface ProbeParts extends ControllerParts {
  readonly ready: () => boolean
  readonly metrics: ControllerMetrics
}

const Probe = Type.Object({
  status: Type.String({ description: 'ok, starting, or what is wrong' }),
  version: Type.String({ description: 'Version of the controller' })
})
const Targets = Type.Array(
  Type.Object({
    targets: Type.Array(Type.String(), { description: 'Address and port' }),
    labels: Type.Record(Type.String(), Type.String(), { description: 'What is known of the host' })
  })
)
const Query = Type.Object({
  port: Type.Optional(
    Type.String({ pattern: '^[0-9]{1,5}$', description: 'Port of the targets. Default 9100' })
  )
})

/** Whether it lives, whether it works, and what Prometheus wants. */
export const probesApi: FastifyPluginAsyncTypebox<ProbeParts> = async (app, parts) => {
  const { ready, metrics, driver } = parts
  const config = { role: 'observe' as const }
  const schema = { tags: ['probes'], response: { 200: Probe, 503: Probe } }
  app.get('/livez', { config, schema: { ...schema, summary: 'The controller answers' } }, async () => ({
    status: 'ok',
    version: VERSION
  }))
  app.get(
    '/readyz',
    { config, schema: { ...schema, summary: 'It reads its store and can decide' } },
    async (_, reply) => {
      const { problem } = driver.state
      if (ready() && problem === null) return { status: 'ok', version: VERSION }
      return reply.code(503).send({ status: problem ?? 'starting', version: VERSION })
    }
  )
  app.get(
    '/metrics',
    { config, schema: { tags: ['probes'], summary: 'Metrics in the Prometheus text format' } },
    async (_, reply) => reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metrics.text(parts))
  )
  app.get(
    '/sd',
    {
      config,
      schema: {
        ...{ tags: ['probes'], summary: 'Targets for the HTTP service discovery of Prometheus' },
        ...{ querystring: Query, response: { 200: Targets } }
      }
    },
    async ({ query }) => {
      const port = Number(query.port ?? 9100)
      if (port < 1 || port > 65_535) {
        throw new BelayError('invalid-request', `no port ${port}`, { found: port, wanted: '1 to 65535' })
      }
      const targets = targetsOf(parts.fleet.hosts.values(), port)
      return targets.map(({ targets: at, labels }) => ({ targets: [...at], labels: { ...labels } }))
    }
  )
}
