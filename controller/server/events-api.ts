import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { AuditView } from '../../shared/api/controller.ts'
import { ref } from '../../shared/api/schemas.ts'
import { BelayError } from '../../shared/errors.ts'
import { assertRoom, openEvents } from '../../shared/server/sse.ts'
import { callerOf } from './caller.ts'
import type { EventPosition } from './event-feed.ts'
import type { ControllerParts } from './parts.ts'

const LastEvent = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({ maxLength: 80, description: 'Send only what follows this event' })
  )
})

/** What happens, live, and who decided what. */
export const eventsApi: FastifyPluginAsyncTypebox<ControllerParts> = async (
  app,
  { feed, store, openStreams }
) => {
  app.get(
    '/events',
    {
      config: { role: 'observe' as const },
      schema: {
        tags: ['events'],
        summary: 'What happens to rollouts and hosts, live',
        description:
          'Server-sent events, those that are kept first. Resumable: every event has an id that a reader gives back as Last-Event-ID.',
        headers: LastEvent
      }
    },
    async (request, reply) => {
      const after = parseEventPosition(request.headers['last-event-id'])
      assertRoom(callerOf(request).role)
      reply.hijack()
      const sink = openEvents(reply.raw)
      const forget = openStreams.add(request, () => reply.raw.destroy())
      try {
        for await (const event of feed.follow(after, sink.signal)) {
          sink.send(event, feed.positionOf(event))
          await sink.drained()
        }
      } catch (error) {
        request.log.warn({ err: error }, 'events broke off')
        reply.raw.destroy()
      } finally {
        forget()
      }
    }
  )
  const Page = Type.Object({
    before: Type.Optional(
      Type.String({ pattern: '^[0-9]{1,15}$', description: 'Only entries in front of this one' })
    )
  })
  const audit = Type.Object({ entries: Type.Array(ref(AuditView), { description: 'Newest first' }) })
  app.get(
    '/audit',
    {
      config: { role: 'operate' as const },
      schema: {
        ...{ tags: ['audit'], summary: 'Who decided what, by which way and why' },
        ...{ querystring: Page, response: { 200: audit } }
      }
    },
    async ({ query: { before } }) => ({
      entries: [...store.audit(before === undefined ? null : Number(before), 200)]
    })
  )
}

/** Reads a `Last-Event-ID`; null for none. Throws `invalid-request` for what no event here has. */
export function parseEventPosition(id: string | undefined): EventPosition | null {
  if (id === undefined) return null
  const [, epoch, seq] = /^([0-9a-f]{8}):(\d{1,15})$/.exec(id) ?? []
  if (epoch !== undefined) return { epoch, seq: Number(seq) }
  throw new BelayError('invalid-request', 'Last-Event-ID is not of this controller', {
    found: id,
    wanted: 'the id of an event, such as 0a1b2c3d:57',
    at: 'last-event-id'
  })
}
