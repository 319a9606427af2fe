import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { WordAnswer, WordRequest } from '../../shared/api/controller.ts'
import { ref } from '../../shared/api/schemas.ts'
import type { Word } from '../rollout/words.ts'
import { sayTo, words } from '../rollout/words.ts'
import type { ControllerParts } from './parts.ts'
import { authorOf } from './parts.ts'
import { RolloutId, rolloutOf } from './rollouts-api.ts'

const about: Record<Word, string> = {
  pause: 'Begin nothing new; what is under way ends',
  resume: 'Go on after a pause',
  approve: 'Let the stage named in `target` begin',
  skip: 'Leave the host named in `target` out, and let others pass it; needs a reason',
  retry: 'Try again on the host named in `target`, or on every one that regressed',
  abort: 'End the rollout; hosts keep what they have'
}

/** What persons say to a rollout. */
export const wordsApi: FastifyPluginAsyncTypebox<ControllerParts> = async (app, { store, now }) => {
  for (const word of words) {
    app.post(
      `/rollouts/:id/${word}`,
      {
        config: {
          role: word === 'approve' ? ('approve' as const) : ('operate' as const),
          // What stops is always heard.
          unlimited: word === 'pause' || word === 'abort'
        },
        schema: {
          ...{ tags: ['rollouts'], summary: about[word], params: RolloutId },
          ...{ body: ref(WordRequest), response: { 200: ref(WordAnswer) } }
        }
      },
      async (request) => {
        const { target, reason } = request.body
        const id = rolloutOf({ store }, request.params.id)
        const said = sayTo(store, id, { word, target, author: authorOf(request, now, reason) })
        return { ...said, targets: [...said.targets] }
      }
    )
  }
}
