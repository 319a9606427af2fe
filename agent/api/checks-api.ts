import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { CheckState } from '../../shared/api/checks.ts'
import { ref } from '../../shared/api/schemas.ts'
import type { ApiOptions } from './routes.ts'

const CheckName = Type.Object({ name: Type.String({ maxLength: 64, description: 'Name of the check' }) })
const Nothing = Type.Object({}, { additionalProperties: false, description: 'No fields' })

/** The checks of this host: what they found, and running one. */
export const checksApi: FastifyPluginAsyncTypebox<Pick<ApiOptions, 'checks'>> = async (app, { checks }) => {
  const list = Type.Object({ checks: Type.Array(ref(CheckState), { description: 'As they are configured' }) })
  app.get(
    '/checks',
    {
      config: { role: 'observe' as const },
      schema: { tags: ['checks'], summary: 'Every check and what it found last', response: { 200: list } }
    },
    async () => ({ checks: [...checks.states()] })
  )
  app.post(
    '/checks/:name/run',
    {
      config: { role: 'operate' as const },
      schema: {
        tags: ['checks'],
        summary: 'Run a check now',
        description:
          'Answers when it has run, at the latest after its time limit. One that runs already is joined.',
        params: CheckName,
        body: Nothing,
        response: { 200: ref(CheckState) }
      }
    },
    async (request) => checks.run(request.params.name)
  )
}
