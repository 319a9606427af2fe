import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { ProfileName } from '../../shared/api/profile.ts'
import {
  Generation,
  Host as HostSchema,
  Operation,
  OperationRequest,
  ProfileState,
  RollbackRequest,
  ref
} from '../../shared/api/schemas.ts'
import { assertRoom, openEvents } from '../../shared/server/sse.ts'
import { VERSION } from '../../shared/version.ts'
import type { Settings } from '../config/settings.ts'
import { assertForeignKey } from '../desired/decide.ts'
import type { Checks } from '../health/checks.ts'
import type { Soak } from '../health/soak/soak.ts'
import type { Operations } from '../operation/operations.ts'
import { profileHost } from '../operation/profiles.ts'
import type { Host } from '../platform/platform.ts'
import { atLeast, callerOf } from './caller.ts'
import { parsePosition, streamEvents, streamLog } from './operation-log.ts'
import { operationView } from './view.ts'

/** What the routes need. */
export interface ApiOptions {
  readonly settings: Settings
  readonly bootId: string
  readonly host: Host
  readonly operations: Operations
  /** Where there is none, there are no routes for it. */
  readonly soak?: Soak
  readonly checks: Checks
}

export const OperationId = Type.Object({
  id: Type.String({ maxLength: 64, description: 'Identity of the operation' })
})
const Profile = Type.Object({ profile: ProfileName })
const Key = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description:
        "The same key with the same body is the same operation. Those with desired/ in front are the agent's own"
    })
  )
})
export const one = { 200: ref(Operation) }
const accepted = { 202: ref(Operation) }

/** Host, profiles and generations. */
export const hostApi: FastifyPluginAsyncTypebox<ApiOptions> = async (
  app,
  { settings, bootId, host, operations }
) => {
  const observe = { config: { role: 'observe' as const } }
  app.get(
    '/host',
    {
      ...observe,
      schema: {
        tags: ['host'],
        summary: 'Identity and state of this host',
        response: { 200: ref(HostSchema) }
      }
    },
    async () => ({
      name: settings.hostName,
      platform: host.platform,
      system: await host.system(),
      bootId,
      agentVersion: VERSION,
      hold: await operations.holds.read(),
      profiles: await operations.profileStates()
    })
  )
  const profiles = Type.Object({ profiles: Type.Array(ref(ProfileState)) })
  app.get(
    '/profiles',
    { ...observe, schema: { tags: ['host'], summary: 'State of each profile', response: { 200: profiles } } },
    async () => ({ profiles: await operations.profileStates() })
  )
  const generations = Type.Object({ generations: Type.Array(ref(Generation)) })
  app.get(
    '/profiles/:profile/generations',
    {
      ...observe,
      schema: {
        tags: ['host'],
        summary: 'Generations of a profile',
        params: Profile,
        response: { 200: generations }
      }
    },
    async (request) => ({
      generations: [...(await profileHost(host, request.params.profile).generations())]
    })
  )
}

/** Reading operations. */
export const operationReadingApi: FastifyPluginAsyncTypebox<ApiOptions> = async (
  app,
  { host, operations }
) => {
  const observe = { config: { role: 'observe' as const } }
  const list = Type.Object({ operations: Type.Array(ref(Operation), { description: 'Newest first' }) })
  app.get(
    '/operations',
    {
      ...observe,
      schema: { tags: ['operations'], summary: 'Operations that are kept', response: { 200: list } }
    },
    async (request) => {
      const may = atLeast(callerOf(request.raw).role, 'operate')
      return { operations: (await operations.all()).map((state) => operationView(state, may)).reverse() }
    }
  )
  app.get(
    '/operations/:id',
    {
      ...observe,
      schema: { tags: ['operations'], summary: 'One operation', params: OperationId, response: one }
    },
    async (request) =>
      operationView(await operations.get(request.params.id), atLeast(callerOf(request.raw).role, 'operate'))
  )
  app.get(
    '/operations/:id/log',
    {
      ...observe,
      schema: {
        tags: ['operations'],
        summary: 'Journal and output, live',
        description: 'Server-sent events from the beginning of the operation; `event: end` when it has ended',
        params: OperationId
      }
    },
    async (request, reply) => {
      await operations.get(request.params.id)
      assertRoom(callerOf(request.raw).role)
      reply.hijack()
      const sink = openEvents(reply.raw)
      await streamLog(request.params.id, operations, host, sink).catch((error: unknown) => {
        request.log.warn({ err: error }, 'log broke off')
        reply.raw.destroy()
      })
    }
  )
}

/** All events of this host. */
export const eventApi: FastifyPluginAsyncTypebox<ApiOptions> = async (app, { operations }) => {
  const LastEvent = Type.Object({
    'last-event-id': Type.Optional(
      Type.String({ maxLength: 80, description: 'Send only what follows this event' })
    )
  })
  app.get(
    '/events',
    {
      config: { role: 'observe' as const },
      schema: {
        tags: ['operations'],
        summary: 'What happens to operations, live',
        description:
          'Server-sent events of all operations that are kept, oldest first, and those to come. Resumable: every event has an id that a reader gives back as Last-Event-ID.',
        headers: LastEvent
      }
    },
    async (request, reply) => {
      const after = parsePosition(request.headers['last-event-id'])
      assertRoom(callerOf(request.raw).role)
      reply.hijack()
      const sink = openEvents(reply.raw)
      await streamEvents(after, operations, sink).catch((error: unknown) => {
        request.log.warn({ err: error }, 'events broke off')
        reply.raw.destroy()
      })
    }
  )
}

/** Beginning and rolling back. */
export const operationApi: FastifyPluginAsyncTypebox<ApiOptions> = async (app, { operations }) => {
  const operate = { config: { role: 'operate' as const } }
  app.post(
    '/operations',
    {
      ...operate,
      schema: {
        tags: ['operations'],
        summary: 'Activate a generation',
        body: ref(OperationRequest),
        headers: Key,
        response: accepted
      }
    },
    async (request, reply) => {
      const key = request.headers['idempotency-key'] ?? null
      assertForeignKey(key)
      const state = await operations.start(request.body, callerOf(request.raw), key)
      const { id } = state.accepted
      return reply.code(202).header('location', `/v1/operations/${id}`).send(operationView(state, true))
    }
  )
  app.post(
    '/rollback',
    {
      ...operate,
      schema: {
        tags: ['operations'],
        summary: 'Emergency rollback',
        body: ref(RollbackRequest),
        response: accepted
      }
    },
    async (request, reply) => {
      const state = await operations.rollback(request.body, callerOf(request.raw))
      return reply
        .code(202)
        .header('location', `/v1/operations/${state.accepted.id}`)
        .send(operationView(state, true))
    }
  )
}
