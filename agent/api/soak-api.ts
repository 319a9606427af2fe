import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { ref, StorePath } from '../../shared/api/schemas.ts'
import {
  BaselineView,
  HistoryPage,
  IncidentChange,
  IncidentRequest,
  RebootNotice,
  Soak as SoakSchema
} from '../../shared/api/soak.ts'
import { Evidence, Incident } from '../../shared/verdict/evidence.ts'
import type { Settings } from '../config/settings.ts'
import * as answers from '../health/soak/answers.ts'
import type { Soak } from '../health/soak/soak.ts'
import { callerOf } from './caller.ts'

/** What the routes need. */
export interface SoakApiOptions {
  readonly settings: Settings
  readonly soak: Soak
}

const closed = { additionalProperties: false } as const
const Nothing = Type.Object({}, { ...closed, description: 'No fields' })
const time = (description: string) => Type.String({ maxLength: 40, description: `${description}, RFC 3339` })
const OfPath = Type.Object(
  { storePath: Type.Optional(StorePath) },
  { ...closed, description: 'The generation; by default the running one' }
)
const HistoryQuery = Type.Object(
  {
    check: Type.String({ minLength: 1, maxLength: 200, description: 'Name of the check' }),
    from: Type.Optional(time('First moment; default is a day before `to`, for hours 14 days')),
    to: Type.Optional(time('First moment that does not count any more; default is now')),
    resolution: Type.Optional(
      Type.Enum(['raw', 'hour'], { description: 'Every sample, or hours', default: 'raw' })
    ),
    limit: Type.Optional(
      Type.String({
        pattern: '^[1-9]\\d{0,3}$',
        description: 'Entries of a page, at most 5000',
        default: '1000'
      })
    )
  },
  closed
)
const IncidentId = Type.Object({
  id: Type.String({ maxLength: 64, description: 'Identity of the incident' })
})
const tags = ['soak']
const observe = { config: { role: 'observe' as const } }
const operate = { config: { role: 'operate' as const } }

/** Soak, evidence and history. */
export const soakApi: FastifyPluginAsyncTypebox<SoakApiOptions> = async (app, { settings, soak }) => {
  app.get(
    '/soak',
    {
      ...observe,
      schema: { tags, summary: 'The soak of the running generation', response: { 200: ref(SoakSchema) } }
    },
    async () => answers.soakView(soak)
  )
  app.get(
    '/soak/evidence',
    {
      ...observe,
      schema: {
        tags,
        summary: 'All that a verdict is made from',
        querystring: OfPath,
        response: { 200: ref(Evidence) }
      }
    },
    async (request) => answers.evidence(soak, settings.hostName, request.query.storePath)
  )
  app.post(
    '/soak/reboot-notice',
    {
      ...operate,
      schema: {
        tags,
        summary: 'The next reboot is wanted',
        body: ref(RebootNotice),
        response: { 200: Nothing }
      }
    },
    async (request) => {
      await answers.currentSoak(soak)
      const by = callerOf(request.raw).principal
      await soak.note({ type: 'reboot-expected', by, reason: request.body.reason })
      return {}
    }
  )
  app.get(
    '/history',
    {
      ...observe,
      schema: {
        tags,
        summary: 'Results of one check',
        querystring: HistoryQuery,
        response: { 200: ref(HistoryPage) }
      }
    },
    async ({ query }) => {
      const { check, from, to } = query
      const limit = Math.min(Number(query.limit ?? 1000), 5000)
      return answers.historyPage(soak, { check, from, to, resolution: query.resolution ?? 'raw', limit })
    }
  )
}

/** Baselines and the issues log. */
export const ledgerApi: FastifyPluginAsyncTypebox<SoakApiOptions> = async (app, { soak }) => {
  const baselines = Type.Object({ baselines: Type.Array(ref(BaselineView), { description: 'Newest first' }) })
  app.get(
    '/baselines',
    { ...observe, schema: { tags, summary: 'Baselines that are kept', response: { 200: baselines } } },
    async () => ({ baselines: (await soak.baselines.all()).map(answers.baselineView).reverse() })
  )
  app.post(
    '/baselines',
    {
      ...operate,
      schema: { tags, summary: 'Take a baseline now', body: Nothing, response: { 201: ref(BaselineView) } }
    },
    async (request, reply) => {
      const taken = await soak.baselines.take(callerOf(request.raw).principal)
      return reply.code(201).send(answers.baselineView(taken))
    }
  )
  const incidents = Type.Object({ incidents: Type.Array(ref(Incident), { description: 'Oldest first' }) })
  app.get(
    '/incidents',
    {
      ...observe,
      schema: { tags, summary: 'The issues log', querystring: OfPath, response: { 200: incidents } }
    },
    async (request) => ({ incidents: [...(await answers.incidents(soak, request.query.storePath))] })
  )
  app.post(
    '/incidents',
    {
      ...operate,
      schema: {
        tags,
        summary: 'Open an incident',
        body: ref(IncidentRequest),
        response: { 201: ref(Incident) }
      }
    },
    async (request, reply) => {
      const opened = await answers.openIncident(soak, request.body, callerOf(request.raw).principal)
      return reply.code(201).send(opened)
    }
  )
  app.patch(
    '/incidents/:id',
    {
      ...operate,
      schema: {
        ...{ tags, summary: 'Resolve an incident, or say how to live with it' },
        ...{ params: IncidentId, body: ref(IncidentChange), response: { 200: ref(Incident) } }
      }
    },
    async (request) =>
      answers.changeIncident(soak, request.params.id, request.body, callerOf(request.raw).principal)
  )
}
