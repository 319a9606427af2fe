import type { IncomingMessage } from 'node:http'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { ConfirmRequest, ref } from '../../shared/api/schemas.ts'
import { callerOf } from './caller.ts'
import type { ApiOptions } from './routes.ts'
import { OperationId, one } from './routes.ts'
import { operationView } from './view.ts'

const Nothing = Type.Object({}, { additionalProperties: false, description: 'No fields' })

/** The caller, by the older of its connection and the login session that it says it is in. */
function callerSince(request: IncomingMessage, { sessionStartedMonotonicMs }: ConfirmRequest) {
  const caller = callerOf(request)
  const since = Math.min(caller.connectedMonotonicMs, sessionStartedMonotonicMs ?? Number.POSITIVE_INFINITY)
  return { ...caller, connectedMonotonicMs: since }
}

/** What is said to an operation on its way: confirm, boot what is staged, give up. */
export const operationWordsApi: FastifyPluginAsyncTypebox<ApiOptions> = async (app, { operations }) => {
  const operate = { config: { role: 'operate' as const } }
  app.post(
    '/operations/:id/confirm',
    {
      ...operate,
      schema: {
        tags: ['operations'],
        summary: 'Confirm',
        params: OperationId,
        body: ref(ConfirmRequest),
        response: one
      }
    },
    async (request) =>
      operationView(
        await operations.confirm(
          request.params.id,
          request.body.nonce,
          callerSince(request.raw, request.body)
        ),
        true
      )
  )
  app.post(
    '/operations/:id/reboot',
    {
      ...operate,
      schema: {
        tags: ['operations'],
        summary: 'Boot what is staged, now',
        params: OperationId,
        body: Nothing,
        response: one
      }
    },
    async (request) => operationView(await operations.reboot(request.params.id, callerOf(request.raw)), true)
  )
  app.post(
    '/operations/:id/cancel',
    {
      ...operate,
      schema: { tags: ['operations'], summary: 'Give up', params: OperationId, body: Nothing, response: one }
    },
    async (request) =>
      operationView(await operations.cancel(request.params.id, callerOf(request.raw), null), true)
  )
}
