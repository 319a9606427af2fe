import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { Hold, HoldRequest, HoldState, ReleaseRequest } from '../../shared/api/hold.ts'
import { Preflight, PreflightCheck } from '../../shared/api/preflight.ts'
import { ProfileName } from '../../shared/api/profile.ts'
import type { ActivationMode } from '../../shared/api/schemas.ts'
import { activationModes, Nullable, ref } from '../../shared/api/schemas.ts'
import { BelayError } from '../../shared/errors.ts'
import { isTerminal } from '../../shared/operation/phase.ts'
import { parseStorePath } from '../../shared/store-path.ts'
import type { DesiredKeeper } from '../desired/desired.ts'
import { profileHost } from '../operation/profiles.ts'
import { excludes } from '../operation/store.ts'
import { callerOf } from './caller.ts'
import type { ApiOptions } from './routes.ts'

/** Schemas that are named in the API's description. */
export const preflightComponents = [Hold, HoldRequest, HoldState, ReleaseRequest, PreflightCheck, Preflight]

/** The hold: read, put, released. */
export const holdApi: FastifyPluginAsyncTypebox<ApiOptions & { readonly desired: DesiredKeeper }> = async (
  app,
  { operations, desired }
) => {
  const tags = ['host']
  const operate = { config: { role: 'operate' as const } }
  const response = { 200: ref(HoldState) }
  app.get(
    '/hold',
    {
      config: { role: 'observe' as const },
      schema: { tags, summary: 'What keeps activations back', response }
    },
    async () => ({ hold: await operations.holds.read() })
  )
  app.put(
    '/hold',
    {
      ...operate,
      schema: { tags, summary: 'Refuse activations until the release', body: ref(HoldRequest), response }
    },
    async (request) => {
      const hold = await operations.holds.put(request.body.reason, callerOf(request.raw).principal)
      request.log.info({ hold }, 'on hold')
      return { hold }
    }
  )
  app.delete(
    '/hold',
    {
      ...operate,
      schema: { tags, summary: 'Let activations in again', body: Nullable(ref(ReleaseRequest)), response }
    },
    async (request) => {
      const hold = await operations.holds.release()
      const { principal } = callerOf(request.raw)
      request.log.info({ hold, by: principal, reason: request.body?.reason ?? null }, 'released')
      void desired.nudge()
      return { hold: null }
    }
  )
}

interface Looking {
  readonly profile: ProfileName
  readonly storePath: string
  readonly mode: ActivationMode
  readonly answer: Promise<Preflight>
}

/** The checks before an activation, for a look. */
export const preflightApi: FastifyPluginAsyncTypebox<ApiOptions> = async (app, options) => {
  /** One at a time: each starts a dozen programs, and anybody who may look at the host may ask. */
  let running: Looking | null = null
  app.get(
    '/profiles/:profile/preflight',
    {
      config: { role: 'observe' as const },
      schema: {
        tags: ['host'],
        summary: 'Whether a generation could be activated now',
        description: 'Every check with what it saw and what a person does about it. Changes nothing.',
        params: Type.Object({ profile: ProfileName }),
        querystring: Type.Object(
          {
            storePath: Type.String({ maxLength: 1024, description: 'Store path of the generation' }),
            mode: Type.Optional(
              Type.Enum(activationModes, { description: 'How it is to come to run; switch' })
            )
          },
          { additionalProperties: false }
        ),
        response: { 200: ref(Preflight) }
      }
    },
    async (request) => {
      const storePath = parseStorePath(request.query.storePath)
      const mode = request.query.mode ?? 'switch'
      const { profile } = request.params
      const other = ({ profile: p, storePath: s, mode: m }: Looking) =>
        p !== profile || s !== storePath || m !== mode
      if (running !== null && other(running)) {
        const text = 'another generation is being looked at; ask again in a moment'
        throw new BelayError('preflight-busy', text, { found: running.storePath, wanted: storePath })
      }
      running ??= { profile, storePath, mode, answer: lookAt(profile, storePath, mode, options) }
      return running.answer.finally(() => {
        running = null
      })
    }
  )
}

async function lookAt(
  profile: ProfileName,
  storePath: string,
  mode: ActivationMode,
  { host, operations, settings }: ApiOptions
): Promise<Preflight> {
  const wanted = { profile, kind: 'activate' as const }
  const unfinished = (await operations.all()).find(
    ({ phase, accepted }) => !isTerminal(phase) && excludes(accepted, wanted)
  )
  const checks = await profileHost(host, profile).preflight(storePath, {
    mode,
    unfinished: unfinished?.accepted.id ?? null
  })
  const { refusalOf } = await import('../preflight/run.ts')
  const ok = refusalOf(checks, settings.preflight.mustKnow) === null
  return { storePath, at: new Date().toISOString(), ok, checks: [...checks] }
}
