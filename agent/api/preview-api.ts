import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import pLimit from 'p-limit'
import { Type } from 'typebox'
import { Plan, PreviewRequest } from '../../shared/api/plan.ts'
import { ProfileName } from '../../shared/api/profile.ts'
import { ref } from '../../shared/api/schemas.ts'
import { BelayError } from '../../shared/errors.ts'
import { profileHost } from '../operation/profiles.ts'
import type { Host } from '../platform/platform.ts'
import { atLeast, callerOf } from './caller.ts'

const Profile = Type.Object({ profile: ProfileName })

/** Previews that may wait for the one that is made: each takes processes and memory, and anybody may ask. */
const MAX_WAITING = 4

/** What an activation would change. */
export const previewApi: FastifyPluginAsyncTypebox<{ readonly host: Host }> = async (app, { host }) => {
  const limit = pLimit(1)
  app.post(
    '/profiles/:profile/preview',
    {
      config: { role: 'observe' as const },
      schema: {
        tags: ['profiles'],
        summary: 'Preview: what would an activation change',
        description:
          'Changes nothing. With `dryActivate` code of the candidate runs as root, which needs the role operate.',
        params: Profile,
        body: ref(PreviewRequest),
        response: { 200: ref(Plan) }
      }
    },
    async (request) => {
      const { storePath, ...options } = request.body
      const { role } = callerOf(request.raw)
      const on = profileHost(host, request.params.profile)
      if (options.dryActivate && !atLeast(role, 'operate')) {
        const detail = { found: role, wanted: 'operate', at: 'body/dryActivate' }
        throw new BelayError('role-too-low', 'a dry activation needs the operate socket', detail)
      }
      if (limit.pendingCount >= MAX_WAITING) {
        const text = `${MAX_WAITING} previews wait already; ask again later`
        throw new BelayError('preview-busy', text, { found: limit.pendingCount, wanted: MAX_WAITING })
      }
      return limit(() => on.preview(storePath, options))
    }
  )
}
