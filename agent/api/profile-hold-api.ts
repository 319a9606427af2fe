import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { HoldRequest, HoldState } from '../../shared/api/hold.ts'
import { ProfileName } from '../../shared/api/profile.ts'
import { ref } from '../../shared/api/schemas.ts'
import { callerOf } from './caller.ts'
import type { ApiOptions } from './routes.ts'

const params = Type.Object({ profile: ProfileName })
const tags = ['profiles']
const response = { 200: ref(HoldState) }

/** The hold of one profile; that of the system is the host's, which keeps homes back too. */
export const profileHoldApi: FastifyPluginAsyncTypebox<ApiOptions> = async (app, { operations }) => {
  const operate = { config: { role: 'operate' as const } }
  app.get(
    '/profiles/:profile/hold',
    {
      config: { role: 'observe' as const },
      schema: { tags, summary: 'What keeps activations of a profile back', params, response }
    },
    async (request) => ({ hold: await operations.holdsOf(request.params.profile).read() })
  )
  app.put(
    '/profiles/:profile/hold',
    {
      ...operate,
      schema: {
        tags,
        summary: 'Refuse activations of a profile until the release',
        params,
        body: ref(HoldRequest),
        response
      }
    },
    async (request) => {
      const { profile } = request.params
      const { principal } = callerOf(request.raw)
      const hold = await operations.holdsOf(profile).put(request.body.reason, principal)
      request.log.info({ hold, profile }, 'on hold')
      return { hold }
    }
  )
  app.delete(
    '/profiles/:profile/hold',
    { ...operate, schema: { tags, summary: 'Let activations of a profile in again', params, response } },
    async (request) => {
      const { profile } = request.params
      const hold = await operations.holdsOf(profile).release()
      request.log.info({ hold, profile, by: callerOf(request.raw).principal }, 'released')
      return { hold: null }
    }
  )
}
