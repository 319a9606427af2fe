import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import {
  Desired,
  DesiredPending,
  DesiredRequest,
  DesiredState,
  WithdrawRequest
} from '../../shared/api/desired.ts'
import { ref } from '../../shared/api/schemas.ts'
import type { DesiredKeeper } from '../desired/desired.ts'
import { callerOf } from './caller.ts'

/** What the routes need. */
export interface DesiredApiOptions {
  readonly desired: DesiredKeeper
}

/** Schemas of these routes, by their names. */
export const desiredComponents = [Desired, DesiredPending, DesiredRequest, DesiredState, WithdrawRequest]

/** The desired state: asked for as an activation is, by the same role. */
export const desiredApi: FastifyPluginAsyncTypebox<DesiredApiOptions> = async (app, { desired }) => {
  const schema = { tags: ['desired state'], response: { 200: ref(DesiredState) } }
  const operate = { config: { role: 'operate' as const } }
  app.get(
    '/desired',
    {
      config: { role: 'observe' as const },
      schema: { ...schema, summary: 'What this host is to run, and why it does not yet' }
    },
    () => desired.view()
  )
  app.put(
    '/desired',
    {
      ...operate,
      schema: {
        ...schema,
        summary: 'Say what this host is to run',
        description:
          'On the disk when this answers. The host goes there by itself, through every check of an activation. The same again is the same; an older revision, or another content under the same one, is refused.',
        body: ref(DesiredRequest)
      }
    },
    (request) => desired.put(request.body, callerOf(request.raw).principal)
  )
  app.delete(
    '/desired',
    {
      ...operate,
      schema: {
        ...schema,
        summary: 'Take it back',
        description: 'What runs stays, what is on its way goes on, and the revision stays passed.',
        body: ref(WithdrawRequest)
      }
    },
    (request) => desired.withdraw(request.body, callerOf(request.raw).principal)
  )
}
